// Opening many channels at once, without letting the slowest hold up the others.

import BlockLedger
import ChannelConfig
import Synchronization

/// A channel whose ledger is open.
struct OpenedChannel: Sendable {
  let store: any BlockStore
  let bundle: ConfigBundle
}

/// Collects the channels that were opened in time. What comes later is for whoever opened it.
final class ChannelOpening: Sendable {
  private struct State {
    var opened: [OpenedChannel] = []
    var left: Int
    var isOver = false
    var waiter: CheckedContinuation<Void, Never>?
  }

  private let state: Mutex<State>

  /// - Parameter count: Channels that are being opened.
  init(count: Int) {
    state = Mutex(State(left: count))
  }

  /// Channels of which nothing was heard, or not before ``wait(atMost:)`` had returned.
  var unfinished: Int { state.withLock { $0.left } }

  /// One more channel is open, or cannot be opened (nil).
  ///
  /// - Returns: whether it came in time. Otherwise the caller has to see to it.
  func deliver(_ channel: OpenedChannel?) -> Bool {
    let (inTime, waiter) = state.withLock { state in
      guard !state.isOver else { return (false, CheckedContinuation<Void, Never>?.none) }
      if let channel { state.opened.append(channel) }
      state.left -= 1
      guard state.left == 0 else { return (true, nil) }
      defer { state.waiter = nil }
      return (true, state.waiter)
    }
    waiter?.resume()
    return inTime
  }

  /// Waits for all channels, but no longer than `patience`. Those that are open then, sorted by name.
  func wait(atMost patience: Duration) async -> [OpenedChannel] {
    let timer = Task {
      guard (try? await Task.sleep(for: patience)) != nil else { return }
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume()
    }
    defer { timer.cancel() }
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state in
        if state.left > 0 { state.waiter = continuation }
        return state.left == 0
      }
      if isDone { continuation.resume() }
    }
    return state.withLock { state in
      state.isOver = true
      return state.opened.sorted { $0.bundle.channelID < $1.bundle.channelID }
    }
  }
}

/// Hands out numbers to several tasks.
final class SharedCounter: Sendable {
  private let value = Atomic<Int>(0)

  /// 0, 1, 2, … below `limit`, each once.
  func next(below limit: Int) -> Int? {
    let (number, _) = value.wrappingAdd(1, ordering: .relaxed)
    return number < limit ? number : nil
  }
}
