// Opens many channels at once, without letting the slowest hold up the others.

import BlockLedger
import ChannelConfig
import Concurrency
import Followers
import Ordering
import Synchronization

/// A channel whose ledger is open.
struct OpenedChannel: Sendable {
  /// What this node has to do for it.
  enum Part: Sendable {
    /// What the configuration in force says, once it is known whether there is a system channel.
    case member(ConsensusRole)
    /// It was told to join, and lacks blocks.
    case onboards(Follower)
    /// It cannot do anything, for the reason.
    case none(RegistrarError)
  }

  let store: any BlockStore
  /// The newest configuration that this node knows.
  let bundle: ConfigBundle
  let part: Part
}

/// A channel that clients can see, and what has to be started for it.
enum ShownChannel: Sendable {
  case ordered(Channel)
  case followed(Follower)
}

/// Collects the channels that are opened in time.
///
/// Several tasks open channels and hand them in with ``deliver(_:)``. Once ``wait(until:on:)`` has
/// returned, a task that opens another channel has to put it into service itself.
final class ChannelOpening: Sendable {
  private enum State {
    /// Channels are handed in; `left` are still missing.
    case collecting(opened: [OpenedChannel], left: Int)
    /// The waiting is over; `unfinished` channels did not report in time.
    case over(unfinished: Int)
  }

  private let state: Watched<State>

  /// - Parameter count: Channels that are being opened.
  init(count: Int) {
    state = Watched(.collecting(opened: [], left: count))
  }

  /// Channels that have not reported yet, or did not before the waiting was over.
  var unfinished: Int {
    state.read {
      switch $0 {
      case .collecting(_, let left): left
      case .over(let unfinished): unfinished
      }
    }
  }

  /// Hands in a channel that is open; nil stands for one that cannot be opened.
  ///
  /// - Returns: whether it came in time. If not, the caller has to put the channel into service.
  func deliver(_ channel: OpenedChannel?) -> Bool {
    state.change { state in
      guard case .collecting(var opened, let left) = state else { return false }
      if let channel { opened.append(channel) }
      state = .collecting(opened: opened, left: left - 1)
      return true
    }
  }

  /// Waits for all channels, but not beyond `deadline`.
  ///
  /// - Returns: the channels that are open by then, sorted by name.
  func wait(until deadline: TimeSource.Instant, on time: any TimeSource) async -> [OpenedChannel] {
    _ = await state.wait(until: deadline, on: time) { state -> Void? in
      if case .collecting(_, let left) = state, left > 0 { return nil }
      return ()
    }
    return state.change { state in
      guard case .collecting(let opened, let left) = state else { return [] }
      state = .over(unfinished: left)
      return opened.sorted { $0.bundle.channelID < $1.bundle.channelID }
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
