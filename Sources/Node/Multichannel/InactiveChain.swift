// The chain of a channel that this node knows, but does not order.

import ChannelConfig
import FabricProtos
import Ordering

/// Takes nothing, and says why (Fabric: `inactive.Chain`).
final class InactiveChain: Chain {
  private let reason: String

  init(reason: String) { self.reason = reason }

  private var refusal: ChainError { .inactive(reason: reason) }

  func start() {}
  func order(_ messages: [OrderedMessage]) async -> OrderOutcomes { .all(.refused(refusal)) }
  func configure(_ message: OrderedMessage) async -> OrderOutcome { .refused(refusal) }
  func waitReady() async throws(ChainError) { throw refusal }
  func halt() async {}
  func ledgerObstructed(_ reason: String?) {}
  func healthProblem() async -> String? { nil }

  var participation: ParticipationStatus {
    ParticipationStatus(relation: .configTracker, status: .inactive)
  }
  var healthComponent: String? { nil }
}

/// The consenter of tracked channels: their messages are validated, and then refused.
struct TrackingConsenter: Consenter {
  func role(in bundle: ConfigBundle) -> ConsensusRole { .follower }

  func makeChain(support: any ConsenterSupport, newestBlock: Block) throws -> any Chain {
    let reason = "channel \(support.channelID) is not serviced by me"
    // Readers are refused, too, unless they accept a channel in error.
    support.suspend(reason: reason)
    return InactiveChain(reason: reason)
  }

  /// What does not get ordered here need not be judged here.
  func validate(_ change: ConsensusChange) throws(ConsensusChangeRefusal) {}
}
