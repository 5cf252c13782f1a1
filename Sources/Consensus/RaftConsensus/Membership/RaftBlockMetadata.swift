// What a Raft block's metadata say: who is who, and how far the log is.

import FabricProtos

/// The consenter metadata of a block (Fabric: `etcdraft.BlockMetadata`).
package struct RaftBlockMetadata: Sendable, Equatable {
  /// The consenters' ids in the order in which the configuration names the consenters.
  package var consenterIDs: [UInt64]
  /// The id that the next new consenter gets: ids are never used twice.
  package var nextConsenterID: UInt64
  /// Index of the block's entry in the log; that of the block before if the block's update touches
  /// ``ConsensusTypeUpdate``.
  package var raftIndex: UInt64

  package init(consenterIDs: [UInt64], nextConsenterID: UInt64, raftIndex: UInt64) {
    self.consenterIDs = consenterIDs
    self.nextConsenterID = nextConsenterID
    self.raftIndex = raftIndex
  }

  /// What holds before the first Raft block of a channel with so many consenters.
  package init(consenterCount: Int) {
    self.init(
      consenterIDs: (0..<consenterCount).map { UInt64($0) + 1 },
      nextConsenterID: UInt64(consenterCount) + 1, raftIndex: 0)
  }

  /// - Throws: ``UnusableBlockMetadata``
  package init(serialized bytes: [UInt8]) throws(UnusableBlockMetadata) {
    let message: Etcdraft_BlockMetadata
    do { message = try Etcdraft_BlockMetadata(serializedBytes: bytes) } catch {
      throw UnusableBlockMetadata(reason: "it is no BlockMetadata of etcdraft")
    }
    guard !message.consenterIds.contains(0) else {
      throw UnusableBlockMetadata(reason: "a consenter has the id 0")
    }
    guard Set(message.consenterIds).count == message.consenterIds.count else {
      throw UnusableBlockMetadata(reason: "two consenters have the same id")
    }
    guard message.consenterIds.allSatisfy({ $0 < message.nextConsenterID }) else {
      throw UnusableBlockMetadata(
        reason: "the next id, \(message.nextConsenterID), is not above those that are in use")
    }
    self.init(
      consenterIDs: message.consenterIds, nextConsenterID: message.nextConsenterID,
      raftIndex: message.raftIndex)
  }

  /// The bytes that go into a block, equal to those of the Go implementation.
  package func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    if !consenterIDs.isEmpty {
      bytes.append(0x0A)
      Varint.append(UInt64(consenterIDs.reduce(0) { $0 + Varint.size($1) }), to: &bytes)
      for id in consenterIDs { Varint.append(id, to: &bytes) }
    }
    for (tag, value) in [(UInt8(0x10), nextConsenterID), (0x18, raftIndex)] where value != 0 {
      bytes.append(tag)
      Varint.append(value, to: &bytes)
    }
    return bytes
  }
}

/// The consenter metadata of a channel's newest block cannot be used.
package struct UnusableBlockMetadata: Error, Equatable, CustomStringConvertible {
  package let reason: String

  package var description: String {
    "the consenter metadata of the newest block cannot be used (\(reason)); the ledger may be damaged"
  }
}
