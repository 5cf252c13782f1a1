// Which blocks a Deliver request asks for.

import FabricProtos

/// A seek request applied to a chain of a certain height.
enum BlockRange: Equatable {
  /// Blocks from the lower to the upper bound; some may not exist yet.
  case blocks(ClosedRange<UInt64>)
  /// The request ends before it starts.
  case invalid(start: UInt64, stop: UInt64)
  /// The start is beyond what the request could wait for.
  case notFound

  /// - Parameters:
  ///   - oldest: The first block that can still be read.
  ///   - height: Blocks in the chain, at least 1.
  init(_ seek: Orderer_SeekInfo, oldest: UInt64, height: UInt64) {
    let newest = height == 0 ? 0 : height - 1
    var start: UInt64 = 0
    var exists = true
    switch seek.start.type {
    case .oldest: start = oldest
    case .newest: start = newest
    case .nextCommit: start = height
    // Not as a range: blocks are forgotten a moment before `height` shows the new ones, so that
    // `oldest` can be above it.
    case .specified(let position) where position.number >= oldest && position.number <= height:
      start = position.number
    // A start beyond the next block, a forgotten one, and one without a type can't be waited for. As
    // in the reference implementation the stop is still checked against position zero.
    case .specified, nil: exists = false
    }
    let stop: UInt64
    switch seek.stop.type {
    case .oldest: stop = start
    // From newest to newest is one block, however the chain grows meanwhile.
    case .newest: stop = seek.start == seek.stop ? start : newest
    case .specified(let position):
      stop = position.number
      guard stop >= start else {
        self = .invalid(start: start, stop: stop)
        return
      }
    case .nextCommit, nil: stop = 0
    }
    guard exists else {
      self = .notFound
      return
    }
    // The reference implementation runs on beyond a stop that lies before the start if the stop is not
    // a number (e.g. newest, when the start is the next block): the blocks then have no end.
    self = .blocks(start...(stop >= start ? stop : .max))
  }
}
