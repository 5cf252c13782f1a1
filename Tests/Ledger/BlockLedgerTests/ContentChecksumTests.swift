// What the checksum of a record notices, and that it stays the same function.

import Foundation
import TestSupport
import Testing

@testable import BlockLedger

@Suite struct ContentChecksumTests {
  private func checksum(_ bytes: [UInt8]) -> UInt64 { ContentChecksum.of(bytes[...]) }

  /// The contents that damage is tried on: noise, text and what has no features at all.
  private static let contents: [[UInt8]] = {
    var noise = SplitMix64(seed: 1)
    return [
      noise.bytes(96), noise.bytes(100), Array(repeating: 0, count: 96),
      Array(repeating: 0xFF, count: 77),
      Array("0123456789abcdef".utf8) + Array(repeating: 32, count: 70),
    ]
  }()

  @Test("It is the function whose results are in the indexes of running nodes")
  func pinned() {
    #expect(checksum([]) == Self.pins[0])
    #expect(checksum([0]) == Self.pins[1])
    #expect(checksum(Array("a block".utf8)) == Self.pins[2])
    #expect(checksum((0..<32).map { UInt8($0) }) == Self.pins[3])
    #expect(checksum((0..<1_000).map { UInt8(truncatingIfNeeded: $0 * 7) }) == Self.pins[4])
    #expect(checksum(Array(repeating: 0, count: 1 << 16)) == Self.pins[5])
    #expect(BlockFingerprint.version == 1)
  }

  private static let pins: [UInt64] = [
    0xB4F4_7DC8_07F1_516A,
    0x47FB_A6FB_A79F_F5DD,
    0xEBA1_0062_465F_C69E,
    0xFDC9_D97D_CE93_F91C,
    0x1F98_C311_26D0_75E2,
    0x5997_31F8_0B91_1916,
  ]

  @Test("Every flipped bit is noticed", arguments: 0..<140)
  func singleBits(size: Int) {
    var noise = SplitMix64(seed: UInt64(size))
    var bytes = noise.bytes(size)
    let right = checksum(bytes)
    var seen: Set<UInt64> = [right]
    for index in bytes.indices {
      for bit in 0..<8 {
        bytes[index] ^= 1 << UInt8(bit)
        seen.insert(checksum(bytes))
        bytes[index] ^= 1 << UInt8(bit)
      }
    }
    // No two of them look alike either.
    #expect(seen.count == 8 * size + 1)
  }

  @Test("Every two flipped bits are noticed, wherever they are", arguments: 0..<5)
  func pairsOfBits(content: Int) {
    var bytes = Self.contents[content]
    let right = checksum(bytes)
    var missed = 0
    for first in 0..<(8 * bytes.count) {
      bytes[first / 8] ^= 1 << UInt8(first % 8)
      for second in (first + 1)..<(8 * bytes.count) {
        bytes[second / 8] ^= 1 << UInt8(second % 8)
        if checksum(bytes) == right { missed += 1 }
        bytes[second / 8] ^= 1 << UInt8(second % 8)
      }
      bytes[first / 8] ^= 1 << UInt8(first % 8)
    }
    #expect(missed == 0)
  }

  @Test("Many flipped bits and bursts are noticed", arguments: 0..<5)
  func manyBits(content: Int) {
    var noise = SplitMix64(seed: 2)
    let original = Self.contents[content]
    let right = checksum(original)
    var missed = 0
    for _ in 0..<50_000 {
      var bytes = original
      if Bool.random(using: &noise) {
        for _ in 0..<Int.random(in: 3...40, using: &noise) {
          bytes[Int.random(in: bytes.indices, using: &noise)] ^=
            1 << UInt8.random(in: 0..<8, using: &noise)
        }
      } else {
        let begin = Int.random(in: bytes.indices, using: &noise)
        for index in begin..<min(bytes.count, begin + Int.random(in: 1...64, using: &noise)) {
          bytes[index] = UInt8(truncatingIfNeeded: noise.next())
        }
      }
      if bytes != original, checksum(bytes) == right { missed += 1 }
    }
    #expect(missed == 0)
  }

  @Test("Any two words that changed places are noticed, and any two lanes")
  func transpositions() {
    var noise = SplitMix64(seed: 3)
    let words = (0..<128).map { _ in noise.bytes(8) }
    let right = checksum(Array(words.joined()))
    var missed = 0
    for first in words.indices {
      for second in (first + 1)..<words.count {
        var swapped = words
        swapped.swapAt(first, second)
        if checksum(Array(swapped.joined())) == right { missed += 1 }
      }
    }
    for first in 0..<4 {
      for second in (first + 1)..<4 {
        var swapped = words
        for stripe in stride(from: 0, to: words.count, by: 4) {
          swapped.swapAt(stripe + first, stripe + second)
        }
        if checksum(Array(swapped.joined())) == right { missed += 1 }
      }
    }
    #expect(missed == 0)
  }

  @Test("Sectors that are lost, zero, repeated, shifted or in another order are noticed")
  func sectors() {
    var noise = SplitMix64(seed: 4)
    let sectors = (0..<16).map { _ in noise.bytes(512) }
    let right = checksum(Array(sectors.joined()))
    var wrong: [[UInt8]] = []
    for first in sectors.indices {
      var changed = sectors
      changed[first] = Array(repeating: 0, count: 512)
      wrong.append(Array(changed.joined()))
      changed = sectors
      changed.remove(at: first)
      wrong.append(Array(changed.joined()))
      for second in sectors.indices where second != first {
        changed = sectors
        changed[second] = sectors[first]
        wrong.append(Array(changed.joined()))
        changed = sectors
        changed.swapAt(first, second)
        wrong.append(Array(changed.joined()))
      }
    }
    let all = Array(sectors.joined())
    for shift in 1..<100 { wrong.append(Array(all[shift...] + all[..<shift])) }
    #expect(wrong.allSatisfy { checksum($0) != right })
  }

  @Test("Zeros are counted, in front and behind")
  func zeros() {
    var seen: Set<UInt64> = []
    for count in 0..<300 { seen.insert(checksum(Array(repeating: 0, count: count))) }
    for count in 0..<300 {
      seen.insert(checksum(Array(repeating: 0, count: count) + [1]))
      seen.insert(checksum([1] + Array(repeating: 0, count: count + 1)))
    }
    #expect(seen.count == 900)
  }

  @Test("What is copied on the way is what was there, and the checksum is the same")
  func copies() {
    var noise = SplitMix64(seed: 5)
    for size in [0, 1, 31, 32, 33, 63, 64, 65, 100, 1_000] {
      let bytes = noise.bytes(size)
      for _ in 0..<100 {
        var ends = (0..<Int.random(in: 0...8, using: &noise)).map { _ in
          Int.random(in: 0...size, using: &noise)
        }
        ends.sort()
        bytes.withUnsafeBytes { source in
          let window = RecordWindow(bytes: source, start: 0)
          var checksum = ContentChecksum(size: size)
          for (begin, end) in zip(ends, ends.dropFirst()) where Bool.random(using: &noise) {
            // More room than is needed, which has to stay as it is.
            var target = [UInt8](repeating: 0xAA, count: end - begin + 40)
            target.withUnsafeMutableBytes { checksum.copy(begin..<end, of: window, to: $0) }
            #expect(Array(target[..<(end - begin)]) == Array(bytes[begin..<end]))
            #expect(target[(end - begin)...].allSatisfy { $0 == 0xAA })
          }
          #expect(checksum.finish(window) == self.checksum(bytes))
        }
      }
    }
  }
}

extension SplitMix64 {
  fileprivate mutating func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
  }
}
