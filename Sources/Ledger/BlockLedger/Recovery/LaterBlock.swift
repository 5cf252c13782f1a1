// Looks for whole blocks after bytes that are not a block: a crash leaves none after a write that
// it cut short, so the unreadable bytes before them were once safe.

import FabricProtos
import Foundation

/// A whole block somewhere within bytes, at an unknown place.
///
/// The data hash has to be right, so no accident looks like a block. Someone could put a whole
/// block into a transaction; so nothing that belongs to the block being written may be searched.
struct LaterBlock: Equatable {
  /// The number that the block bears; nil if the search was given up because too much looks like
  /// blocks.
  var number: UInt64?
  /// Where the length in front of its record is in the bytes.
  var place: Int

  /// Bytes of records that are parsed on the way, as a multiple of those that are searched.
  private static let maximumEffort = 64
  private static let hashSize = 32

  /// The first whole block with at least the number `lowest` from `start` on.
  static func first(in bytes: [UInt8], from start: Int, lowest: UInt64) -> LaterBlock? {
    var effort = 0
    var next = max(0, start) + 2
    // A number, then two hashes with their length, which is a space, in front of each.
    while let mark = space(in: bytes, from: next) {
      next = mark + 1
      guard bytes[mark + 1 + hashSize] == UInt8(hashSize) else { continue }
      let begin = numberStart(bytes, before: mark, notBefore: start)
      var index = begin
      guard let number = Varint.read(bytes, at: &index, end: mark), index == mark,
        number >= lowest
      else { continue }
      for size in 1...Varint.maximumSize where begin - size >= start {
        var index = begin - size
        guard let length = Varint.read(bytes, at: &index, end: begin), index == begin,
          length > 2 * UInt64(hashSize), length <= UInt64(bytes.count - begin)
        else { continue }
        effort += Int(length)
        guard effort / maximumEffort <= bytes.count else {
          return LaterBlock(number: nil, place: begin - size)
        }
        if let record = try? BlockRecord(bytes, begin..<(begin + Int(length))),
          record.hasValidDataHash
        {
          return LaterBlock(number: number, place: begin - size)
        }
      }
    }
    return nil
  }

  /// The next byte that says 32, with room for two hashes behind it.
  private static func space(in bytes: [UInt8], from start: Int) -> Int? {
    let count = bytes.count - 2 * hashSize - 1 - start
    guard start >= 0, count > 0 else { return nil }
    return bytes.withUnsafeBytes { raw in
      guard let base = raw.baseAddress,
        let found = memchr(base + start, Int32(hashSize), count)
      else { return nil }
      return UnsafeRawPointer(found) - base
    }
  }

  /// Where the number that ends before `end` begins: all its bytes but the last have the highest bit set, and
  /// the last byte of the length in front of it has not.
  private static func numberStart(_ bytes: [UInt8], before end: Int, notBefore start: Int) -> Int {
    var begin = end - 1
    while begin > start, end - begin < Varint.maximumSize, bytes[begin - 1] >= 0x80 { begin -= 1 }
    return begin
  }
}
