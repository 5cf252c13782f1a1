// The blocks of one Deliver request, for as long as its client may have them.

import FabricProtos
import Multichannel

import struct NIOCore.ByteBuffer

/// What a client wants, once that is clear.
struct BlockRequest {
  let range: ClosedRange<UInt64>
  let contentType: Orderer_SeekInfo.SeekContentType
  /// The answer ends when the consenter is in error.
  let heedsErrors: Bool
  /// Whether to wait for a block that does not exist yet.
  let waits: Bool
}

/// One request that is being answered.
struct DeliverSession<Stream: ClientStream> {
  let request: BlockRequest
  let channel: Channel
  var access: SessionAccess
  let stream: Stream
  let clock: DeliverClock
  let series: DeliverMetrics.Series?
  let log: DeliverLog

  /// How far the answer has come.
  private struct Progress {
    /// The block to send next.
    var next: UInt64
    /// What the request ends with; nil while it goes on.
    var end: Common_Status?
  }

  /// Sends the blocks.
  ///
  /// - Returns: the status that the request ends with.
  /// - Throws: What the stream throws if it breaks; ``StreamFailure/cancelled``.
  mutating func run() async throws -> Common_Status {
    var progress = Progress(next: request.range.lowerBound)
    while progress.end == nil {
      if let status = try await waitForBlock(progress.next) { return status }
      // Taken before the check: a config that takes effect after the check does so with a block at
      // or above this height, which a session that loses its right must not get.
      let height = channel.tip.height
      // Checked before the block is read: a session that may not go on needs none.
      do {
        try access.check(now: clock.now())
      } catch {
        log.warning(
          "Client authorization revoked for deliver request from \(stream.remoteAddress): \(error)")
        return .forbidden
      }
      guard height > progress.next else { continue }
      try await sendPiece(&progress, below: height)
      if progress.end == nil, progress.next < height {
        progress = try await withTaskExecutorPreference(stream.executor) {
          try await catchUp(from: progress)
        }
      }
    }
    return progress.end ?? .success
  }

  /// Waits until a block exists, if the request wants that.
  ///
  /// - Returns: the status that the request ends with if it cannot have the block; nil if the block is
  ///   there, or the client's certificate has expired.
  private func waitForBlock(_ number: UInt64) async throws -> Common_Status? {
    if request.heedsErrors, let reason = channel.tip.error { return errored(reason) }
    guard channel.tip.height <= number else { return nil }
    guard request.waits else {
      log.warning("Block \(number) not found, block number greater than chain length bounds")
      return .notFound
    }
    let wait = TipWait(tip: channel.tip, clock: clock)
    switch await wait.wait(
      beyond: number, heedsErrors: request.heedsErrors, until: access.expiresAt)
    {
    case .grown, .expired: return nil
    case .errored(let reason): return errored(reason)
    case .cancelled: throw StreamFailure.cancelled
    }
  }

  private func errored(_ reason: String) -> Common_Status {
    log.warning(
      """
      Aborting deliver for \(stream.remoteAddress) because the consenter indicates an error: \(reason)
      """)
    return .serviceUnavailable
  }

  /// Sends what there is, piece by piece.
  ///
  /// This runs where the bytes are written, so it returns when there is anything to do besides
  /// reading and sending: wait for a block, report an error, look at a new configuration.
  private mutating func catchUp(from start: Progress) async throws -> Progress {
    var progress = start
    let sequence = channel.bundle.sequence
    while progress.end == nil {
      if request.heedsErrors, channel.tip.error != nil { break }
      // As above, taken before the check.
      let height = channel.tip.height
      guard height > progress.next, channel.bundle.sequence == sequence,
        (try? access.check(now: clock.now())) != nil
      else { break }
      try await sendPiece(&progress, below: height)
    }
    return progress
  }

  /// Sends some of the blocks that exist, so that a reader who catches up takes them in pieces.
  private func sendPiece(_ progress: inout Progress, below height: UInt64) async throws {
    let blocks: [ByteBuffer]
    do {
      let last = min(height - 1, request.range.upperBound)
      blocks = try await channel.blocks(
        from: progress.next,
        count: Int(min(last - progress.next, UInt64(PieceLimit.blocks - 1))) + 1,
        bytes: PieceLimit.bytes, contentType: request.contentType)
    } catch {
      log.error("Error reading block \(progress.next): \(error)")
      progress.end = .serviceUnavailable
      return
    }
    try await stream.send(blocks: blocks)
    series?.sent(blocks: blocks.count)
    progress.next += UInt64(blocks.count)
    if progress.next > request.range.upperBound { progress.end = .success }
  }
}

/// The most that is read and sent in one go.
enum PieceLimit {
  static let blocks = 256
  /// Bytes after which a piece is long enough.
  static let bytes = 256 << 10
}
