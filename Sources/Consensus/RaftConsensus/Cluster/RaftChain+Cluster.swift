// What a Raft chain takes from other nodes.

import Ordering
import RaftCore
import RaftWire

extension RaftChain {
  package func received(
    _ payload: ArraySlice<UInt8>, metadata: ArraySlice<UInt8>, from sender: UInt64
  ) async throws(ClusterRefusal) {
    if let refusal = state.read({ $0.clusterRefusal }) { throw refusal }
    let message: Message
    do { message = try Message(wire: payload) } catch {
      throw ClusterRefusal("bad message: \(error)")
    }
    try check(message)
    switch RaftInbox.Addressee(of: message, at: id) {
    case .this: put(message, metadata: metadata, from: sender, size: payload.count)
    case .former:
      logger.debug("Node \(sender) sent to \(message.to), and this node is \(id) by now")
    case .later:
      logger.warning(
        """
        Received msg to \(message.to), my ID is probably wrong due to out of date, cowardly halting
        """)
      inbox.isAddressed(as: message.to)
    }
  }

  private func put(
    _ message: Message, metadata: ArraySlice<UInt8>, from sender: UInt64, size: Int
  ) {
    let received = RaftInbox.Received(
      message: message, activeNodes: ActiveNodes.parsed(metadata), sender: sender,
      size: size)
    if !inbox.put(received) {
      logger.debug("A message of node \(sender) is dropped: too many wait")
    }
  }

  /// Refuses what no other node may send: a node tells it to itself, or would use this one to get round the leader's
  /// checks.
  private func check(_ message: Message) throws(ClusterRefusal) {
    switch message.kind {
    case .propose, .readIndex, .readIndexResponse, .transferLeader:
      throw ClusterRefusal("bad message: no node sends \(message.kind)")
    case _ where message.kind.isLocal:
      throw ClusterRefusal("bad message: no node sends \(message.kind)")
    case .snapshot:
      // What stands for blocks must be one: once it is taken, there is no way back.
      do {
        _ = try EntryBlock.block(
          in: Array(message.snapshot?.data ?? []), index: message.snapshot?.index ?? 0)
      } catch { throw ClusterRefusal("bad message: \(error)") }
    default: break
    }
  }

  package func submitted(
    _ messages: [OrderedMessage], by sender: UInt64
  ) async throws(ClusterRefusal) {
    try await admitForeign()
    do {
      try await queue.append(
        messages.map { Submission.foreign($0, from: sender) },
        bytes: messages.reduce(0) { $0 + $1.envelope.bytes.count })
    } catch {
      throw state.read { $0.isOver }
        ? ClusterRefusal("chain is stopped") : ClusterRefusal(Self.noLeader)
    }
  }

  /// Waits until this node leads. It hands nothing on that another node has handed on: two that take each other for
  /// the leader would never end.
  private func admitForeign() async throws(ClusterRefusal) {
    try await admit(
      orThrow: ClusterRefusal("too many submissions wait"), ClusterRefusal(Self.noLeader)
    ) { $0.foreignAdmission }
  }

  package func lostContact(with member: UInt64) { inbox.lostContact(with: member) }
  package func lostSubmissions(to member: UInt64) { inbox.lostSubmissions(to: member) }

  /// Connects the channel to these members, and ends streams to others.
  func connect(to neighbours: Neighbours) {
    transport.connect(channelID, as: neighbours.own, to: neighbours.members, for: self)
  }
}
