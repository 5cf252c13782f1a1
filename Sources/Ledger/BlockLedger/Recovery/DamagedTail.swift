// Decides what to make of bytes in a block file that are not the block that should come next: the
// rest of a write that a crash cut short, or damage to blocks that were once safe.

import FabricCrypto
import FabricProtos
import Foundation

/// The bytes of the newest block file, from the first unaccounted one to the end.
///
/// Cutting off what is only a torn write is how a crash is repaired. Cutting off what other nodes
/// may have read already would rewrite history, so evidence of that is looked for first. An
/// attacker who chose some of a torn block's bytes cannot fake that evidence: it rests on the hash
/// of a header that itself covers those bytes.
struct DamagedTail {
  enum Verdict: Equatable {
    /// The expected block, but not all of it reached the disk.
    case torn
    /// Nothing that was ever a block of this chain, as far as can be told.
    case garbage
    /// At least one block that was safe once is damaged.
    case damage(String)
  }

  let bytes: [UInt8]
  /// Where they begin in the file.
  let offset: Int64
  /// The result of reading a record at the beginning.
  let outcome: RecordReader.Outcome
  /// The block that should have been there, and the hash of the header before it.
  let number: UInt64
  let previousHash: [UInt8]
  /// It is certain that nobody has seen that block.
  let wasNeverSeen: Bool
  /// The index says that the block began here, so it was safe.
  let wasIndexed: Bool

  /// A torn write that ends within the header shows too little to be recognized.
  private static let unrecognizableSize = 128
  /// Disks write whole sectors of this size, so one that a crash left out reads as zeros.
  private static let sectorSize = 512
  private static let telltaleSize = 64

  func verdict() -> Verdict {
    let verdict = verdictOnContent()
    switch verdict {
    case .damage: return verdict
    // Files copied from a running node end like this, and the index may be newer.
    case .torn: if case .cutOff = outcome { return verdict }
    case .garbage: break
    }
    return wasIndexed
      ? .damage("block \(number), which the index knows to have been there, is not readable")
      : verdict
  }

  private func verdictOnContent() -> Verdict {
    if bytes.allSatisfy({ $0 == 0 }) { return .torn }
    if case .record(let record, let end) = outcome, record.number == number,
      record.bytes[record.previousHash].elementsEqual(previousHash), record.hasValidDataHash
    {
      // Its header and data are there, so what is missing are the signatures.
      return contains(record.headerHash, from: Int(end - offset))
        ? .damage("the metadata of block \(number) is not readable, but later blocks follow")
        : damage(from: Int(end - offset)) ?? .torn
    }
    var recognized = false
    // The length in front may be what is damaged, so try all sizes that it can have.
    for prefix in 1...Varint.maximumSize {
      guard let (header, end) = expectedHeader(at: prefix) else { continue }
      recognized = true
      let hash = SHA256Digest.hash(header.derBytes())
      if contains(hash, from: end) {
        return .damage("the record of block \(number) is not readable, but later blocks follow")
      }
      if let record = try? BlockRecord(bytes, prefix..<bytes.count), record.hasValidDataHash {
        return wasNeverSeen
          ? .garbage : .damage("block \(number) is there, but not the length in front of it")
      }
    }
    switch outcome {
    case .cutOff:
      // By its length, all that is there belongs to the one block.
      if recognized || bytes.count < Self.unrecognizableSize { return .torn }
      return damage(from: 0) ?? .garbage
    case .record(let record, let end):
      if record.hasValidDataHash {
        return .damage(
          "a whole block is there, but it is not block \(number) that follows the one before: its "
            + "number is \(record.number) and its previous hash "
            + "[\(hexadecimal(record.bytes[record.previousHash]))]"
        )
      }
      return complete(
        recognized, end: end, "the data of block \(number) does not match its data hash")
    case .malformed(let reason, let end):
      guard let end else { return damage(from: 0) ?? (recognized ? .torn : .garbage) }
      return complete(recognized, end: end, "block \(number) is not readable: \(reason)")
    }
  }

  /// The verdict on a record that is complete according to its length.
  private func complete(_ recognized: Bool, end: Int64, _ reason: String) -> Verdict {
    if let next = nextRecord(at: end), next.number == number &+ 1, next.hasValidDataHash {
      return .damage("\(reason), but block \(next.number) follows")
    }
    if let damage = damage(from: recognized ? Int(end - offset) : 0) { return damage }
    guard recognized else { return .garbage }
    if hasMissingSector { return .torn }
    return wasNeverSeen ? .garbage : .damage(reason)
  }

  /// The verdict if a whole block comes later, whatever is between: a crash may leave that too if
  /// several blocks were written at once, but it cannot be told from damage to blocks that others
  /// have.
  private func damage(from start: Int) -> Verdict? {
    guard let later = LaterBlock.first(in: bytes, from: start, lowest: number) else { return nil }
    let what = later.number.map { "block \($0)" } ?? "much that looks like blocks"
    let place = offset + Int64(later.place)
    return .damage("block \(number) is not readable, but \(what) is there at offset \(place)")
  }

  private func expectedHeader(at index: Int) -> (BlockHeader, end: Int)? {
    var index = index
    guard Varint.read(bytes, at: &index, end: bytes.count) == number,
      let dataHash = BlockRecord.content(bytes, at: &index, end: bytes.count), dataHash.count == 32,
      let previous = BlockRecord.content(bytes, at: &index, end: bytes.count),
      bytes[previous].elementsEqual(previousHash)
    else { return nil }
    let header = BlockHeader(
      number: number, previousHash: previousHash, dataHash: Array(bytes[dataHash]))
    return (header, index)
  }

  private func contains(_ needle: [UInt8], from start: Int) -> Bool {
    guard let first = needle.first else { return true }
    return bytes.withUnsafeBytes { haystack in
      var index = start
      while haystack.count - index >= needle.count, let base = haystack.baseAddress,
        let found = memchr(base + index, Int32(first), haystack.count - index)
      {
        index = UnsafeRawPointer(found) - base
        if haystack.count - index < needle.count { return false }
        if memcmp(base + index, needle, needle.count) == 0 { return true }
        index += 1
      }
      return false
    }
  }

  private func nextRecord(at end: Int64) -> BlockRecord? {
    var index = Int(end - offset)
    guard let length = Varint.read(bytes, at: &index, end: bytes.count),
      length <= UInt64(bytes.count - index)
    else { return nil }
    return try? BlockRecord(bytes, index..<(index + Int(length)))
  }

  /// Whether a part of the bytes never reached the disk.
  var hasMissingSector: Bool {
    let size = Self.sectorSize
    let misalignment = Int(offset % Int64(size))
    var start = misalignment == 0 ? 0 : size - misalignment
    while start < bytes.count {
      let end = min(start + size, bytes.count)
      // Of the last sector only what lies within the file can be seen. A few zeros are no evidence:
      // metadata may end with them.
      if end - start >= Self.telltaleSize, bytes[start..<end].allSatisfy({ $0 == 0 }) {
        return true
      }
      start += size
    }
    return false
  }
}
