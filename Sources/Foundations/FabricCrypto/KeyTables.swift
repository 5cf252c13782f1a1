// The tables with which signatures by the busiest keys are verified in a third of the time.

import Dispatch
import P256Tables
import Synchronization

/// A bounded number of verification tables, for the P-256 keys that sign most.
///
/// Only a ``MemberKey`` is counted and gets a table, and only its valid signatures count: a stranger can
/// neither have a table made nor take one away from a member. A table is made once for all channels and
/// configurations in which the key occurs. Tables are made one after the other, on a queue of their own,
/// while verification goes on without. A table is freed when another key takes its place.
package final class KeyTables: Sendable {
  /// The most keys that can have a table at a time.
  package static let maximumKeys = TableRoster.Place.maximumCount
  /// Valid signatures within an epoch after which a key gets a table. Making one takes as long as
  /// about 20 verifications save.
  package static let usesForTable = 64
  /// Verifications in an epoch, for each key that may have a table. So a table needs a share of
  /// `usesForTable` in this many times the keys.
  static let verificationsPerKey = 128

  /// A place for a table.
  private final class Slot: Sendable {
    struct Content {
      let generation: UInt64
      let table: VerificationTable
    }

    /// The lock is held for as long as it takes to compare a number and to retain the table, and only by those
    /// who verify with this one key, tens of microseconds each.
    let content = Mutex<Content?>(nil)
    let uses = Atomic<UInt64>(0)
  }

  private let slots: [Slot]
  private let roster: Mutex<TableRoster>
  /// Valid signatures of all members.
  private let verifications = Atomic<UInt64>(0)
  private let runs: @Sendable (@escaping @Sendable () -> Void) -> Void

  /// - Parameters:
  ///   - keys: how many keys may have a table, 1 to ``maximumKeys``.
  ///   - runs: runs the making of a table soon, elsewhere, and not two at once; nil is a queue of its own.
  package init(
    keys: Int, runs: (@Sendable (@escaping @Sendable () -> Void) -> Void)? = nil
  ) {
    let count = min(max(keys, 1), Self.maximumKeys)
    slots = (0..<count).map { _ in Slot() }
    roster = Mutex(TableRoster(count: count))
    if let runs {
      self.runs = runs
    } else {
      let queue = DispatchQueue(label: "key-tables", qos: .utility)
      self.runs = { queue.async(execute: $0) }
    }
  }

  private static let chosen = AtomicLazyReference<KeyTables>()

  /// The tables of this process; nil if they have not been turned on. They belong to the process instead of
  /// being handed down because they bear on no verdict, and one bound covers all channels.
  package static var ofProcess: KeyTables? { chosen.load() }

  /// Turns the process's tables on, before there are channels. A second call changes nothing.
  package static func turnOn(keys: Int) { _ = chosen.storeIfNil(KeyTables(keys: keys)) }

  /// How many keys have a table.
  package var count: Int { roster.withLock { $0.readyCount } }

  /// The bytes that tables take at most: one for each key, one that is being made, and the generator's.
  package var maximumByteCount: Int {
    (slots.count + 1) * VerificationTable.byteCount + VerificationTable.sharedByteCount
  }

  func table(at place: TableRoster.Place) -> VerificationTable? {
    slots[place.index].content.withLock {
      $0?.generation == place.generation ? $0?.table : nil
    }
  }

  /// Counts a valid signature by a key.
  func countUse(of key: MemberKey, with place: TableRoster.Place?) {
    let total = verifications.add(1, ordering: .relaxed).newValue
    let epoch = UInt32(
      truncatingIfNeeded: total / UInt64(slots.count * Self.verificationsPerKey))
    if let place {
      _ = slots[place.index].uses.count(in: epoch)
    } else {
      let uses = key.uses.count(in: epoch)
      if Int(uses.inEpoch) % Self.usesForTable == 0 { request(key, uses: uses) }
    }
  }

  private func request(_ key: MemberKey, uses: UseCount) {
    let epoch = uses.epoch
    let answer = roster.withLock { roster in
      roster.request(key.point, uses: uses.recent(in: epoch)) { index in
        UseCount(word: slots[index].uses.load(ordering: .relaxed)).recent(in: epoch)
      }
    }
    switch answer {
    case .ready(let place): key.move(to: place)
    case .build(let index): runs { self.fill(index, for: key, uses: uses) }
    case .underWay, .refused: break
    }
  }

  private func fill(_ index: Int, for key: MemberKey, uses: UseCount) {
    guard let table = VerificationTable(uncompressedPoint: key.point) else {
      roster.withLock { $0.abandon(index) }
      return
    }
    let slot = slots[index]
    slot.uses.store(uses.word, ordering: .relaxed)
    guard let place = roster.withLock({ $0.finish(index) }) else { return }
    slot.content.withLock { $0 = Slot.Content(generation: place.generation, table: table) }
    key.move(to: place)
  }
}

extension Atomic where Value == UInt64 {
  /// Counts a use. Of two threads that do so at the same time, one may be lost, which is no harm.
  borrowing fileprivate func count(in epoch: UInt32) -> UseCount {
    var uses = UseCount(word: load(ordering: .relaxed))
    uses.count(in: epoch)
    store(uses.word, ordering: .relaxed)
    return uses
  }
}
