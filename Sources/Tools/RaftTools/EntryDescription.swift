// One entry of a raft log in words: what kind it is, and which block or change it holds.

import Blocks
import FabricCrypto
import FabricProtos
import RaftCore
import RaftWire

/// An entry as the tools tell it.
package struct EntryDescription: Sendable, Encodable {
  /// What an entry is for.
  package enum Kind: String, Sendable, Encodable {
    /// A leader's first entry.
    case empty
    case block
    case configBlock
    case membershipChange
    /// It could not be taken apart.
    case unreadable
  }

  package let index: LogIndex
  package let term: Term
  package let kind: Kind
  /// Of its data.
  package let bytes: Int
  /// The block's number.
  package let block: UInt64?
  /// How many messages are in the block.
  package let messages: Int?
  /// In words, e.g. `add 3`.
  package let change: String?
  /// What is wrong with it: it would stop every node of the channel.
  package let error: String?

  /// Metadata slots that a block in an entry has. Go's orderers fail at once, or differ, with others.
  private static let slots = 5

  package init(_ entry: Entry) {
    index = entry.index
    term = entry.term
    bytes = entry.data.count
    guard entry.kind == .normal else {
      let change = try? MembershipChange(entry: entry)
      kind = change == nil ? .unreadable : .membershipChange
      (block, messages) = (nil, nil)
      self.change = change.map(Self.words)
      error = change == nil ? "the membership change is not readable" : nil
      return
    }
    change = nil
    guard !entry.data.isEmpty else {
      kind = .empty
      (block, messages, error) = (nil, nil, nil)
      return
    }
    guard let decoded = try? Block(serialized: Array(entry.data)) else {
      kind = .unreadable
      (block, messages, error) = (nil, nil, "the data is no block")
      return
    }
    kind = decoded.isConfigBlock ? .configBlock : .block
    block = decoded.header.number
    messages = decoded.data.count
    error = Self.fault(in: decoded)
  }

  private static func fault(in block: Block) -> String? {
    var hasher = SHA256Hasher()
    for envelope in block.data { hasher.update(envelope[...]) }
    guard hasher.finalize().elementsEqual(block.header.dataHash) else {
      return "the block's data does not match its hash"
    }
    return block.metadata.count == slots
      ? nil : "the block has \(block.metadata.count) metadata slots instead of \(slots)"
  }

  private static func words(_ change: MembershipChange) -> String {
    guard !change.steps.isEmpty else { return "leave the joint configuration" }
    return change.steps.map { step in
      switch step.kind {
      case .addVoter: "add \(step.node)"
      case .remove: "remove \(step.node)"
      case .update: "update \(step.node)"
      case .addLearner: "add learner \(step.node)"
      }
    }.joined(separator: ", ")
  }
}
