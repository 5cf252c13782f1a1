// What all streams of a server or a client together may hold in memory for messages nobody has taken yet.

import Synchronization

/// Two counters, shared by all streams: granted windows and buffered bytes.
final class InboundBudget: Sendable {
  private let windowLimit: Int
  private let bufferLimit: Int
  private let windows = Atomic<Int>(0)
  private let buffered = Atomic<Int>(0)

  init(windowLimit: Int, bufferLimit: Int) {
    self.windowLimit = windowLimit
    self.bufferLimit = bufferLimit
  }

  /// Takes `bytes` of window, or says that there are none left.
  func reserveWindow(_ bytes: Int) -> Bool {
    if windows.add(bytes, ordering: .relaxed).newValue <= windowLimit { return true }
    windows.subtract(bytes, ordering: .relaxed)
    return false
  }

  /// Takes what a stream's window of `bytes` has beyond HTTP/2's initial one, or nothing.
  func reserveWindow(of bytes: Int) -> Int {
    let extra = bytes - HTTP2Limits.initialStreamWindowBytes
    return extra > 0 && reserveWindow(extra) ? extra : 0
  }

  func releaseWindow(_ bytes: Int) {
    windows.subtract(bytes, ordering: .relaxed)
  }

  /// Counts a change of buffered bytes; false when they now exceed the limit.
  func adjustBuffered(by bytes: Int) -> Bool {
    if bytes == 0 { return true }
    return buffered.add(bytes, ordering: .relaxed).newValue <= bufferLimit
  }

  /// For tests: what is held now.
  var usage: (windows: Int, buffered: Int) {
    (windows.load(ordering: .relaxed), buffered.load(ordering: .relaxed))
  }
}
