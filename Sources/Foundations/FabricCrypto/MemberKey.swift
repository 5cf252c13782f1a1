// The key of an identity that belongs to a channel, which may have a table.

import P256Tables
import Synchronization

/// A member's P-256 key: verifies as ``PublicKey`` does, and faster once it has signed often.
package final class MemberKey: Sendable {
  private let key: ECDSAPublicKey
  private let tables: KeyTables
  /// Where its table is or was, as ``TableRoster/Place/word``.
  private let place = Atomic<UInt64>(0)
  /// How much it was used without a table, as ``UseCount/word``.
  let uses = Atomic<UInt64>(0)

  /// A key that counts for a table; nil if it is of a kind that has no tables.
  package init?(_ key: PublicKey, tables: KeyTables) {
    guard case .ecdsa(let key) = key, key.curve == .p256 else { return nil }
    self.key = key
    self.tables = tables
  }

  var point: [UInt8] { key.uncompressedPoint }

  /// Whether it has a table.
  package var hasTable: Bool {
    TableRoster.Place(word: place.load(ordering: .relaxed)).flatMap(tables.table) != nil
  }

  func move(to place: TableRoster.Place) { self.place.store(place.word, ordering: .relaxed) }

  /// Whether `signature` is this key's over the concatenation of `parts`. Malformed, high-S and wrong signatures
  /// are all just `false`.
  package func isValid(
    signature: ArraySlice<UInt8>, forMessageParts parts: [ArraySlice<UInt8>]
  ) -> Bool {
    let place = TableRoster.Place(word: place.load(ordering: .relaxed))
    let table = place.flatMap(tables.table)
    guard key.isValid(signature: signature, forMessageParts: parts, table: table) else {
      return false
    }
    tables.countUse(of: self, with: table == nil ? nil : place)
    return true
  }
}
