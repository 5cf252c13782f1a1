// How many streams other nodes have open to this one.

import Synchronization

/// Counts the streams of each node, and refuses those beyond a limit.
final class IngressStreams: Sendable {
  private let limit: Int
  private let count: StreamCount
  private let streams = Mutex<[[UInt8]: Int]>([:])

  init(limit: Int, count: StreamCount) {
    self.limit = limit
    self.count = count
  }

  /// A stream of the node with this key is there; those that showed no certificate count as one node.
  ///
  /// - Returns: False if the node has too many.
  func open(_ key: [UInt8]?) -> Bool {
    let isAllowed = streams.withLock { streams in
      guard streams[key ?? [], default: 0] < limit else { return false }
      streams[key ?? [], default: 0] += 1
      return true
    }
    if isAllowed { count.opened() }
    return isAllowed
  }

  /// A stream that was allowed has ended.
  func close(_ key: [UInt8]?) {
    streams.withLock { streams in
      let left = streams[key ?? [], default: 1] - 1
      streams[key ?? []] = left > 0 ? left : nil
    }
    count.ended()
  }
}
