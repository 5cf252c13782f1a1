// What a Raft chain tells operators of itself.

import Ordering

extension RaftChain {
  package var participation: ParticipationStatus {
    let status: ParticipationStatus.Status =
      switch state.read({ $0.phase }) {
      case .idle, .opening, .running: .active
      case .watching, .failed: .failed
      case .halted: .inactive
      }
    return ParticipationStatus(relation: .consenter, status: status)
  }

  package func healthProblem() async -> String? {
    switch state.read({ ($0.phase, $0.obstruction) }) {
    case (.opening, let obstruction?), (.running, let obstruction?):
      "\(obstruction). The channel goes on by itself once it can; no restart is needed"
    case (.running(_, .leaderless), nil):
      """
      \(Self.noLeader): a majority of the channel's consenters has to run and reach each other. The channel goes on by \
      itself then; no restart is needed
      """
    case (.running(_, .ceased(let reason)), nil): reason
    case (.running(_, .migrated(let type)), nil):
      "the channel's consensus type is \(type) now: restart the orderer, which begins to use it"
    default: nil
    }
  }

  package var healthComponent: String? { nil }
}
