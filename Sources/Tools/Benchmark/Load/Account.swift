// What became of every envelope of a run: the figures that an orderer is judged by come from here.

import GoText

/// The envelopes of a run under their numbers, with their times.
package struct Account: Sendable {
  /// Fabric's `SUCCESS`.
  static let success = 200
  /// Reasons of failures that are kept.
  static let maximumReasons = 10
  /// Bytes of a reason that are kept.
  static let maximumReasonBytes = 500

  /// What is known of an envelope. A block may come before the answer.
  private enum Fate: UInt8 {
    /// → sent
    case waiting
    /// → acknowledged, refused, unanswered, early
    case sent
    /// Acknowledged, in no block yet → done
    case acknowledged
    /// In a block, not acknowledged yet → done
    case early
    /// Acknowledged and in a block.
    case done
    /// → stray
    case refused
    /// Its stream ended without an answer to it. It may be in a block all the same → stray
    case unanswered
    /// In a block, though never acknowledged.
    case stray
  }

  private var fates: [Fate]
  /// When each was sent or was to be sent.
  private var scheduled: [RunTime]

  package private(set) var sent = 0
  package private(set) var acknowledged = 0
  package private(set) var delivered = 0
  package private(set) var unanswered = 0
  /// Envelopes that came in blocks more than once.
  package private(set) var duplicates = 0
  /// Transactions in blocks that are not of this run.
  package private(set) var foreign = 0
  package private(set) var blocks = 0
  /// How many were refused with each status.
  package private(set) var refused: [Int: Int] = [:]
  /// Why streams failed, the first few different reasons.
  package private(set) var reasons: [String] = []
  package private(set) var failures = 0
  /// Acknowledged, but in no block that a reader has.
  package private(set) var backlog = 0
  package private(set) var maximumBacklog = 0
  package private(set) var lastAcknowledgement: RunTime = 0
  package private(set) var lastDelivery: RunTime = 0
  /// Envelopes and blocks that had come by the last acknowledgement.
  package private(set) var deliveredMeanwhile = 0
  package private(set) var blocksMeanwhile = 0
  package private(set) var acknowledgeLatency = LatencyRecorder()
  package private(set) var deliverLatency = LatencyRecorder()

  /// - Parameter count: Envelopes, numbered from 0.
  package init(count: Int) {
    fates = Array(repeating: .waiting, count: count)
    scheduled = Array(repeating: 0, count: count)
  }

  /// Sent, and answered or given up, one way or the other.
  package var settled: Int { acknowledged + unanswered + refused.values.reduce(0, +) }

  /// Whether there are only failures, and enough of them to give up.
  package func isHopeless(limit: Int) -> Bool {
    acknowledged == 0 && failures + refused.values.reduce(0, +) >= limit
  }

  /// Envelopes go out that were to go out at `time`.
  package mutating func send(_ numbers: Range<Int>, scheduledAt time: RunTime) {
    for number in numbers {
      guard fates[number] == .waiting else { continue }
      fates[number] = .sent
      scheduled[number] = time
    }
    sent += numbers.count
  }

  /// The answer to an envelope has come.
  package mutating func answer(_ number: Int, status: Int, at now: RunTime) {
    guard status == Self.success else {
      switch fates[number] {
      case .sent: fates[number] = .refused
      case .early: fates[number] = .stray
      default: return
      }
      refused[status, default: 0] += 1
      return
    }
    switch fates[number] {
    case .sent:
      fates[number] = .acknowledged
      backlog += 1
      maximumBacklog = max(maximumBacklog, backlog)
    case .early:
      fates[number] = .done
    default:
      return
    }
    acknowledged += 1
    lastAcknowledgement = max(lastAcknowledgement, now)
    (deliveredMeanwhile, blocksMeanwhile) = (delivered, blocks)
    acknowledgeLatency.record(now - scheduled[number])
  }

  /// The stream of these envelopes has ended without an answer to them.
  package mutating func abandon(_ numbers: Range<Int>) {
    for number in numbers {
      switch fates[number] {
      case .sent: fates[number] = .unanswered
      case .early: fates[number] = .stray
      default: continue
      }
      unanswered += 1
    }
  }

  /// A stream or a connection has failed.
  package mutating func fail(_ reason: String) {
    failures += 1
    note(reason)
  }

  /// Keeps a reason if it is new.
  package mutating func note(_ reason: String) {
    let reason = ForeignText.shown(reason, atMost: Self.maximumReasonBytes)
    if reasons.count < Self.maximumReasons, !reasons.contains(reason) { reasons.append(reason) }
  }

  /// A reader has a block.
  ///
  /// - Parameters:
  ///   - numbers: The envelopes of this run that are in it.
  ///   - transactions: How many it has altogether.
  package mutating func deliver(_ numbers: [Int], transactions: Int, at now: RunTime) {
    blocks += 1
    foreign += transactions - numbers.count
    for number in numbers {
      guard fates.indices.contains(number) else {
        foreign += 1
        continue
      }
      switch fates[number] {
      case .sent: fates[number] = .early
      case .acknowledged:
        fates[number] = .done
        backlog -= 1
      case .unanswered, .refused: fates[number] = .stray
      case .early, .done, .stray:
        duplicates += 1
        continue
      case .waiting:
        foreign += 1
        continue
      }
      delivered += 1
      lastDelivery = max(lastDelivery, now)
      deliverLatency.record(now - scheduled[number])
    }
  }
}
