// Which consenters of a channel are alive, and for how long the others have been silent.

import Concurrency
import RaftCore

/// What a node knows of the consenters of its channel: as a leader from their answers, otherwise from its leader.
///
/// A value without a clock of its own.
struct Attendance: Sendable {
  /// The ids as of the newest block.
  var metadata: RaftBlockMetadata
  /// Nobody while there is no leader; nil if the leader does not tell.
  private(set) var active: Set<UInt64>? = []
  /// Whose votes count; nil before that is known.
  private var voters: Set<UInt64>?
  /// Consenters that a recovery has given up.
  private var givenUp: Set<UInt64> = []
  /// When those that are not active were found to be silent.
  private var silentSince: [UInt64: TimeSource.Instant] = [:]
  private let beginning: TimeSource.Instant

  /// - Parameter now: When the node began to watch.
  init(metadata: RaftBlockMetadata, at now: TimeSource.Instant) {
    self.metadata = metadata
    beginning = now
  }

  /// Notes who is alive.
  ///
  /// - Returns: Whether others are than before.
  mutating func note(
    active now: Set<UInt64>?, of members: MembershipState, at time: TimeSource.Instant
  ) -> Bool {
    voters = members.voters.isEmpty ? nil : Set(members.voters)
    givenUp = Set(members.learners)
    guard now != active else { return false }
    for id in (active ?? []).subtracting(now ?? []) { silentSince[id] = time }
    for id in now ?? [] { silentSince[id] = nil }
    active = now
    return true
  }

  /// What a change of the consenters is judged by.
  func standing(at now: TimeSource.Instant) -> ConsensusMetadataValidator.Standing {
    let silent = metadata.consenterIDs.filter { active?.contains($0) != true }
    return ConsensusMetadataValidator.Standing(
      metadata: metadata, active: active, voters: voters, givenUp: givenUp,
      silence: Dictionary(
        uniqueKeysWithValues: silent.map { id in
          (id, (silentSince[id] ?? beginning).duration(to: now))
        }))
  }
}
