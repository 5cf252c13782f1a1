// What a node does while it leads a channel.

import BlockLedger
import Blocks
import Ordering
import RaftCore

/// The office of a leader, from its election until it is deposed.
package enum RaftOffice: Sendable {
  /// This node does not lead.
  case none
  /// It was elected, and what is in its log is not all in its ledger yet.
  case elected
  /// It makes blocks.
  case leading(BlockMaker)
  /// Nothing is made until what is under way is applied.
  case paused(BlockMaker, Pause)

  /// What has to be applied first.
  package enum Pause: Sendable, Equatable {
    /// A config block.
    case configBlock
    /// The change of the membership that a config block asks for.
    case change(MembershipChange.Step)
    /// Nothing: leadership is on its way to another node.
    case transfer
  }

  package var isLeading: Bool { if case .leading = self { true } else { false } }

  /// Blocks that were made and are not in the ledger.
  package var inFlight: Int { maker?.count ?? 0 }

  /// Whether another block may be made now.
  var hasRoom: Bool {
    if case .leading(let maker) = self { maker.hasRoom } else { false }
  }

  package var pause: Pause? { if case .paused(_, let pause) = self { pause } else { nil } }

  private var maker: BlockMaker? {
    switch self {
    case .leading(let maker), .paused(let maker, _): maker
    case .none, .elected: nil
    }
  }

  /// The block of an entry that was made here, if it was.
  func block(at position: LogPosition) -> AssembledBlock? { maker?.block(at: position) }

  /// Begins to make blocks behind the newest one.
  mutating func lead(behind end: ChainEnd) { self = .leading(BlockMaker(at: end)) }

  /// Makes a block; nil unless blocks are made now.
  mutating func make(_ batch: [OrderedMessage]) -> (block: AssembledBlock, entry: [UInt8])? {
    guard case .leading(var maker) = self else { return nil }
    // Without this the maker's array would be copied.
    self = .none
    defer { self = .leading(maker) }
    return maker.make(batch)
  }

  /// The newest block was proposed.
  mutating func proposed(at position: LogPosition) {
    guard case .leading(var maker) = self else { return }
    self = .none
    maker.proposed(at: position)
    self = .leading(maker)
  }

  /// The blocks below `height` are in the ledger.
  mutating func applied(below height: UInt64) {
    switch self {
    case .leading(var maker):
      self = .none
      maker.applied(below: height)
      self = .leading(maker)
    case .paused(var maker, let pause):
      self = .none
      maker.applied(below: height)
      self = .paused(maker, pause)
    case .none, .elected: break
    }
  }

  mutating func pause(for pause: Pause) {
    if let maker { self = .paused(maker, pause) }
  }

  /// What was waited for is applied.
  mutating func resume() {
    if case .paused(let maker, _) = self { self = .leading(maker) }
  }
}
