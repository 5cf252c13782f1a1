// Which consenters are alive, as the leader knows and tells the others.

import FabricProtos
import RaftCore

/// What a leader tells of the active consenters: everybody hears it along with the first message after a change, and
/// from time to time (Fabric: `etcdraft.Disseminator`).
///
/// A value without clock or I/O.
package struct ActiveNodes: Sendable, Equatable {
  /// In ascending order.
  private(set) var nodes: [NodeID] = []
  private var serialized: [UInt8] = []
  private var informed: Set<NodeID> = []
  private let refreshTicks: Int
  private var ticks = 0

  /// - Parameter refreshTicks: After so many ticks everybody is told again.
  init(refreshTicks: Int) { self.refreshTicks = refreshTicks }

  /// A tick of a leader.
  ///
  /// - Returns: Whether others are alive than before.
  mutating func tick(_ active: [NodeID]) -> Bool {
    ticks += 1
    let isChanged = active != nodes
    guard isChanged || ticks >= refreshTicks else { return false }
    ticks = 0
    nodes = active
    serialized = Self.serialized(active)
    informed = []
    return isChanged
  }

  /// What goes with a message to a node: usually nothing.
  mutating func metadata(for node: NodeID) -> [UInt8] {
    guard !nodes.isEmpty, informed.insert(node).inserted else { return [] }
    return serialized
  }

  /// A message did not leave.
  mutating func notSent(to node: NodeID) { informed.remove(node) }

  /// This node does not lead any more.
  mutating func reset() { self = ActiveNodes(refreshTicks: refreshTicks) }

  static func serialized(_ nodes: [NodeID]) -> [UInt8] {
    var metadata = Etcdraft_ClusterMetadata()
    metadata.activeNodes = nodes
    return (try? metadata.serializedBytes()) ?? []
  }

  /// - Returns: nil if the bytes are no such message, or none were sent.
  package static func parsed(_ bytes: ArraySlice<UInt8>) -> [NodeID]? {
    guard !bytes.isEmpty else { return nil }
    return (try? Etcdraft_ClusterMetadata(serializedBytes: Array(bytes)))?.activeNodes
  }
}
