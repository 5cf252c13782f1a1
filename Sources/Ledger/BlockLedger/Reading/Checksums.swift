// The fingerprints of one channel's blocks that are at hand, by number.

import Synchronization

/// What is known of the blocks of one channel: from this process, which has written or verified
/// them, or from the index that an earlier process left.
final class Checksums: Sendable {
  /// What a block has to be.
  struct Known: Equatable, Sendable {
    var fingerprint: BlockFingerprint
    /// This process has seen that this is the block. Otherwise only the index says so, and if the
    /// block differs, only its hashes can tell which of the two is wrong.
    var isCertain: Bool
  }

  /// Blocks of a chunk, and the most that are looked up in the index at a time.
  static let chunkSize: UInt64 = 1024
  /// At 12 KiB each, so 16 MiB and 1.3 million blocks at most; channels that are not read have none.
  private static let maximumChunks = 1300

  private struct Chunk {
    /// 0 stands for a fingerprint that is not known.
    var checksums = [UInt64](repeating: 0, count: Int(chunkSize))
    /// The size; the highest bit says that it is certain.
    var sizes = [UInt32](repeating: 0, count: Int(chunkSize))
    /// The index has been asked about all unknown blocks from this one on.
    var asked = Int(chunkSize)

    func known(_ index: Int) -> Known? {
      guard checksums[index] != 0 else { return nil }
      return Known(
        fingerprint: BlockFingerprint(
          size: Int(sizes[index] & ~Self.certain), checksum: checksums[index]),
        isCertain: sizes[index] & Self.certain != 0)
    }

    mutating func set(_ index: Int, _ fingerprint: BlockFingerprint, isCertain: Bool) {
      guard fingerprint.size >= 0, fingerprint.size <= BlockRecord.maximumSize else { return }
      checksums[index] = fingerprint.checksum
      sizes[index] = UInt32(fingerprint.size) | (isCertain ? Self.certain : 0)
    }

    private static let certain: UInt32 = 1 << 31
  }

  private let chunks = Mutex<[UInt64: Chunk]>([:])

  /// Notes what this process has written or verified.
  func set(_ number: UInt64, _ fingerprint: BlockFingerprint) {
    update(number) { $0.set($1, fingerprint, isCertain: true) }
  }

  /// Notes what the index says of the blocks of `range`, which must be of one chunk.
  func note(
    _ fingerprints: [(number: UInt64, fingerprint: BlockFingerprint)], of range: Range<UInt64>
  ) {
    update(range.lowerBound) { chunk, begin in
      for (number, fingerprint) in fingerprints where range.contains(number) {
        let index = begin + Int(number - range.lowerBound)
        if chunk.checksums[index] == 0 { chunk.set(index, fingerprint, isCertain: false) }
      }
      if range.upperBound % Self.chunkSize == 0 { chunk.asked = min(chunk.asked, begin) }
    }
  }

  private func update(_ number: UInt64, _ body: (inout Chunk, Int) -> Void) {
    chunks.withLock { chunks in
      let key = number / Self.chunkSize
      if chunks[key] == nil, chunks.count >= Self.maximumChunks, let victim = chunks.keys.first {
        // Any will do: what is forgotten is looked up again.
        chunks[victim] = nil
      }
      body(&chunks[key, default: Chunk()], Int(number % Self.chunkSize))
    }
  }

  func known(_ number: UInt64) -> Known? {
    chunks.withLock { $0[number / Self.chunkSize]?.known(Int(number % Self.chunkSize)) }
  }

  /// Whether the index may know what is not known here.
  func isWorthAsking(_ number: UInt64) -> Bool {
    chunks.withLock { chunks in
      guard let chunk = chunks[number / Self.chunkSize] else { return true }
      let index = Int(number % Self.chunkSize)
      return chunk.checksums[index] == 0 && index < chunk.asked
    }
  }

  /// What is known of the blocks from `number` on without a gap, up to `count` or until they reach
  /// `bytes` together.
  func run(from number: UInt64, count: Int, bytes: Int) -> [Known] {
    chunks.withLock { chunks in
      var run: [Known] = []
      var left = bytes
      var next = number
      while run.count < count, left > 0,
        let known = chunks[next / Self.chunkSize]?.known(Int(next % Self.chunkSize))
      {
        run.append(known)
        left -= known.fingerprint.storedSize
        next += 1
      }
      return run
    }
  }
}
