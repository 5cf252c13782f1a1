// A small, bounded, shared map from serialized identities to the verdicts on them.

import Foundation
import Synchronization

/// A set-associative cache keyed by bytes. A lookup copies nothing, and its cost is bounded whatever the
/// keys are: an entry can only be in one set of eight, and a client that fills a set on purpose evicts
/// others from that set alone. Within a set the second-chance rule decides which entry goes.
final class IdentityCache<Value: Sendable>: Sendable {
  /// Entries of one set.
  private static var ways: Int { 8 }
  /// Keys longer than this many bytes are not kept, which bounds the memory the cache can take.
  static var maximumKeySize: Int { 8192 }

  private struct Entry {
    var hash: Int
    var key: [UInt8]
    var value: Value
    var wasUsed: Bool
  }

  private struct Entries {
    var list: [Entry] = []
    var hand = 0
  }

  private final class Bucket: Sendable {
    let entries = Mutex(Entries())
  }

  private let buckets: [Bucket]

  /// A cache of at most `capacity` entries, rounded up to a multiple of the set size.
  init(capacity: Int) {
    buckets = (0..<max(1, (capacity + Self.ways - 1) / Self.ways)).map { _ in Bucket() }
  }

  /// The value kept for the key, if there is one.
  func value(for key: ArraySlice<UInt8>) -> Value? {
    guard key.count <= Self.maximumKeySize else { return nil }
    return key.withUnsafeBytes { key in
      let hash = Self.hash(key)
      return bucket(for: hash).entries.withLock { entries in
        for index in entries.list.indices
        where entries.list[index].hash == hash && Self.isEqual(entries.list[index].key, key) {
          entries.list[index].wasUsed = true
          return entries.list[index].value
        }
        return nil
      }
    }
  }

  /// Keeps a value, in place of one that was not asked for recently.
  func insert(_ value: Value, for key: ArraySlice<UInt8>) {
    guard key.count <= Self.maximumKeySize else { return }
    let hash = key.withUnsafeBytes { Self.hash($0) }
    let entry = Entry(hash: hash, key: Array(key), value: value, wasUsed: false)
    bucket(for: hash).entries.withLock { entries in
      if let index = entries.list.firstIndex(where: { $0.hash == hash && $0.key == entry.key }) {
        entries.list[index] = entry
        return
      }
      guard entries.list.count >= Self.ways else {
        entries.list.append(entry)
        return
      }
      // After at most one round the hand meets an entry whose mark it has cleared itself.
      while entries.list[entries.hand].wasUsed {
        entries.list[entries.hand].wasUsed = false
        entries.hand = (entries.hand + 1) % Self.ways
      }
      entries.list[entries.hand] = entry
      entries.hand = (entries.hand + 1) % Self.ways
    }
  }

  /// How many entries there are.
  var count: Int {
    buckets.reduce(0) { $0 + $1.entries.withLock { $0.list.count } }
  }

  private func bucket(for hash: Int) -> Bucket {
    buckets[Int(UInt(bitPattern: hash) % UInt(buckets.count))]
  }

  /// The process's keyed hash over the length and the end of the key. The end holds the certificate's
  /// signature, so different certificates differ there; keys made to differ elsewhere only share a set.
  private static func hash(_ key: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(key.count)
    hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: key.suffix(160)))
    return hasher.finalize()
  }

  private static func isEqual(_ left: [UInt8], _ right: UnsafeRawBufferPointer) -> Bool {
    left.withUnsafeBytes { left in
      guard left.count == right.count else { return false }
      guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else { return true }
      // Both buffers are alive for the call and have `left.count` bytes.
      return memcmp(leftBase, rightBase, left.count) == 0
    }
  }
}
