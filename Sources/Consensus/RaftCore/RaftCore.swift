// The Raft protocol without its surroundings: messages and ticks go in, what is to be sent, written and applied
// comes out.

/// One node's part in a group that agrees on a log.
///
/// A value without clock, network or disk: what comes out is a function of what went in, and of the seed of its
/// random time-outs. Its surroundings, the *shell*, call an input (``tick()``, ``step(_:)``, ``propose(_:)`` …), as
/// many as there are, and then carry out what ``ready()`` gives them. Nothing waits: writing, sending and
/// applying may all be under way while further inputs come in.
///
/// ### Terminology
///
/// - *Term*: a time with one leader at the most. Terms are numbered, and each message tells the sender's.
/// - *Role*: a *follower* does what a leader tells it; a *candidate* asks for votes; a *pre-candidate* asks whether
///   it would get them; a *leader* appends.
/// - *Voter* and *learner*: members that decide, and members that only listen. *Joint*: while the membership
///   changes by more than one voter, the old and the new voters both have to agree.
/// - *Entry*: one element of the log, known by index and term. *Position*: both together (``LogPosition``).
/// - *Persisted*: written and synced on this node's disk. *Committed*: persisted by a quorum, and never lost from
///   then on. *Applied*: done, by the state machine of this node.
/// - *Snapshot*: a state that stands for all entries up to its index. *Compacted*: entries before the first one that
///   is left.
/// - *Progress*: what a leader knows of one member's log. *Probing*: looking for the place where both agree.
/// - *Inflight*: append messages that are not answered.
///
/// ### How it is used
///
/// 1. Call inputs; then, if ``hasReady``, take ``ready()`` and ``takeEvents()``.
/// 2. Send ``Ready/messages`` at once. A snapshot's data may be left out here and filled in by the shell.
/// 3. Write ``Ready/persist``. Once it is synced, send what it holds for others and call ``persisted(_:)``.
/// 4. Apply ``Ready/committed`` in order, tell ``applied(through:)``; a change of membership goes to
///    ``apply(_:)`` first.
/// 5. Answer ``Ready/reads`` by ``loaded(_:_:)``.
/// 6. After a ``Fault`` nothing comes out any more: look at ``fault``.
///
/// ### Departures from etcd's library
///
/// It behaves as etcd's raft 3.6 does, message for message and line for line of the log; etcd's own traces are the
/// tests. Otherwise:
///
/// - *No panic.* What only a lost or foreign log can explain is a ``Fault``; what no Raft node sends is refused
///   before it changes anything (``StepRefusal/malformed(_:)``), and so is a message without the term that its
///   kind has.
/// - *No storage interface.* The core knows the term of each entry and keeps the newest in memory
///   (``LogTail``); older ones it asks for (``LogRead``), and sends or applies them when they come.
/// - *A candidate's requests* leave once its own vote is written. etcd sends them before, so that a node which a
///   crash makes forget its term could lead in it twice.
/// - *Forks are found.* An append that contradicts what is committed here is a fault; etcd acknowledges it.
/// - *A torn write* may leave entries of a later term than the hard state's: that term is begun then.
/// - *Time-outs* are not random while the connection to the leader is broken (``reportDisconnected(_:)``).
/// - *Active voters* are those heard of within an election time-out (``activeVoters``), not since the last check.
/// - *The shell reads the changes.* The core has no encoding, so a change is proposed as a value beside its bytes,
///   on the leader; only an order to leave a joint configuration is handed on by followers.
/// - *Storage answers* are no messages from the network: ``persisted(_:)`` and ``applied(through:)``.
///
/// Departures from the paper are etcd's: leader transfer, pre-vote, leases and learners as the dissertation has
/// them; a change is in force when it is applied, not when it is appended; heartbeats are messages of their own.
package struct RaftCore: Equatable, Sendable {
  /// etcd's numbers for a node's own disk and state machine, as senders and receivers of messages.
  package static let appendThread = NodeID.max
  package static let applyThread = NodeID.max - 1
  /// A campaign for which voters do not wait until the leader's lease is over.
  static let transferContext = Array("CampaignTransfer".utf8)[...]
  /// Numbers in messages are below it, so that no sum of two overflows.
  static let limit: UInt64 = 1 << 62

  package let configuration: Configuration
  package internal(set) var term: Term = 0
  package internal(set) var vote: NodeID = 0
  var role = Role.follower(leader: 0)
  var health = Health.sound
  var log: LogView
  /// The newest snapshot that a follower can be sent; empty if there is none.
  package internal(set) var snapshot: Snapshot
  package internal(set) var members = Members()
  var progress = ProgressMap()

  /// Ticks since the last election time-out, or since a follower heard of its leader.
  var electionElapsed = 0
  var electionTimeout: Int
  private var random: RandomTicks

  // What is ready, except for what the log knows.
  var messages: [Message] = []
  /// What may leave once all that is unpersisted now is persisted.
  var responses: [Message] = []
  var readStates: [ReadState] = []
  var newReads: [LogRead] = []
  var openReads: [LogRead] = []
  var readNumber: UInt64 = 0
  /// Entries that were read for being applied.
  var loadedEntries: [Entry] = []
  var events: [Event] = []
  /// As of the last ``ready()``.
  var knownSoftState: SoftState
  var knownHardState: HardState

  enum Health: Equatable, Sendable {
    case sound
    case faulted(Fault)
  }

  /// A node as its disk knows it.
  ///
  /// - Parameters:
  ///   - snapshot: The newest one, or an empty one. Its data may be left out.
  ///   - log: The entries on the disk, at least those behind the snapshot.
  ///   - applied: What the state machine has, if it is more than the snapshot stands for.
  ///   - seed: For the random time-outs. Different for the nodes of a group.
  package init(
    _ configuration: Configuration, hardState: HardState = HardState(),
    snapshot: Snapshot = Snapshot(), log: LogTail = LogTail(), applied: LogIndex = 0, seed: UInt64
  ) throws(StartRefusal) {
    if let problem = configuration.problem { throw .configuration(problem) }
    let numbers = [hardState.term, log.base.index, log.base.term, log.lastIndex, log.last.term]
    guard numbers.allSatisfy({ $0 < Self.limit }) else { throw .outOfRange }
    self.configuration = configuration
    self.snapshot = snapshot
    self.log = LogView(log, configuration)
    random = RandomTicks(seed: seed)
    electionTimeout = configuration.electionTick
    knownSoftState = SoftState(leader: 0, role: .follower)
    knownHardState = hardState
    guard log.base.index <= snapshot.index, snapshot.index <= log.lastIndex else {
      throw .gap(snapshot: snapshot.index, first: log.firstIndex)
    }
    var changer = changer()
    do { try changer.restore(snapshot.members) } catch {
      throw .membership(error.description)
    }
    switchTo(changer)
    let commit = max(hardState.commit, snapshot.index)
    guard commit <= log.lastIndex else { throw .commitOutOfRange(commit, last: log.lastIndex) }
    guard applied == 0 || applied >= snapshot.index && applied <= commit else {
      throw .appliedOutOfRange(applied, committed: snapshot.index, commit: commit)
    }
    term = hardState.term
    vote = hardState.vote
    if hardState != HardState(), log.last.term > term {
      // A write that was cut off between the entries and the hard state. No vote of that term has left.
      term = log.last.term
      vote = 0
    }
    self.log.resume(commit: commit, applied: max(applied, snapshot.index))
    becomeFollower(term, leader: 0)
    knownHardState = hardState == HardState() ? self.hardState : hardState
    events.append(
      .started(
        voters: members.voters.voters, term: term, commit: self.log.committed,
        applied: self.log.applied, last: self.log.last))
  }

  // MARK: What it is

  package var id: NodeID { configuration.id }

  package var hardState: HardState {
    HardState(term: term, vote: vote, commit: log.committed)
  }

  package var softState: SoftState { SoftState(leader: leader, role: role.name) }

  /// 0 if this node knows none.
  package var leader: NodeID {
    switch role {
    case .follower(let leader): leader
    case .preCandidate, .candidate: 0
    case .leader: id
    }
  }

  /// What ended this node's part, if it has ended.
  package var fault: Fault? {
    if case .faulted(let fault) = health { fault } else { nil }
  }

  /// Ends this node's part, if it has not ended.
  mutating func fail(_ fault: Fault) {
    guard self.fault == nil else { return }
    health = .faulted(fault)
    events.append(.fault(fault))
    messages = []
    responses = []
    readStates = []
    newReads = []
    openReads = []
    loadedEntries = []
  }

  // MARK: Time-outs

  mutating func drawElectionTimeout() {
    electionTimeout = configuration.electionTick + random.next(below: configuration.electionTick)
  }

  /// Sets the time-out that holds until the role changes, in ticks; for tests.
  package mutating func setElectionTimeout(_ ticks: Int) { electionTimeout = ticks }

  // MARK: Logging

  /// What happened since the last call, in order.
  package mutating func takeEvents() -> [Event] {
    defer { events = [] }
    return events
  }
}

/// The generator splitmix64, for random time-outs that a seed repeats.
struct RandomTicks: Equatable, Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// From 0 to one less than a bound greater than 0.
  mutating func next(below bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    value ^= value >> 31
    return Int(value.multipliedFullWidth(by: UInt64(bound)).high)
  }
}
