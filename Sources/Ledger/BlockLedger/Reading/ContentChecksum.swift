// Notices a changed bit in a block that was verified before, at a tenth of the price of its SHA-256.

/// A 64-bit checksum of a record. It does not protect against adversaries; the data hash and the
/// hash chain do.
///
/// Four lanes take the words in turn, each with multiply and rotate as in XXH64's round, which is as
/// fast as memory. Each step is a bijection both of the word that goes in and of the lane, and so is
/// each step that joins the lanes to the result. So whatever changes within one word is always
/// noticed, and so is every change of a single lane that does not happen to bring it back to the same
/// 64 bits; of all other changes one in 2^64 is not.
///
/// The index keeps checksums across restarts: a change of this function needs a new
/// ``BlockFingerprint/version``.
struct ContentChecksum {
  private static let first: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let second: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  /// Bytes that the lanes take together.
  private static let stripe = 32

  private var a = first
  private var b = second
  private var c = first &+ second
  private var d = ~first
  private let size: Int
  /// Bytes that the lanes have taken.
  private(set) var taken = 0

  /// - Parameter size: Of the content to checksum, in bytes.
  init(size: Int) { self.size = size }

  static func of(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.withUnsafeBytes { raw in
      var checksum = ContentChecksum(size: raw.count)
      return checksum.finish(RecordWindow(bytes: raw, start: 0))
    }
  }

  /// Copies a part to the beginning of `target`, and adds it and everything before it to the
  /// checksum. That is cheaper than one after the other, since both mostly wait for memory.
  ///
  /// - Parameters:
  ///   - range: Must be within `window` and after the range of the previous call.
  ///   - window: Has everything from ``taken`` on.
  mutating func copy(
    _ range: Range<Int>, of window: RecordWindow, to target: UnsafeMutableRawBufferPointer
  ) {
    precondition(
      range.lowerBound >= window.start && range.upperBound <= window.end
        && range.count <= target.count && window.start <= taken)
    take(upTo: range.lowerBound, of: window)
    let source = window.bytes
    let part = (range.lowerBound - window.start)..<(range.upperBound - window.start)
    // The stripe that began before the part reaches beyond its beginning, or waits for what follows
    // the window.
    let begin =
      taken < range.lowerBound ? part.upperBound : min(taken - window.start, part.upperBound)
    move(part.lowerBound..<begin, of: source, to: target, 0)
    var offset = begin
    if taken - window.start == begin {
      let end = part.upperBound - Self.stripe
      var (a, b, c, d) = (self.a, self.b, self.c, self.d)
      while offset <= end {
        let position = offset &- part.lowerBound
        let words = Self.load(source, offset)
        target.storeBytes(of: words.0, toByteOffset: position, as: UInt64.self)
        target.storeBytes(of: words.1, toByteOffset: position &+ 8, as: UInt64.self)
        target.storeBytes(of: words.2, toByteOffset: position &+ 16, as: UInt64.self)
        target.storeBytes(of: words.3, toByteOffset: position &+ 24, as: UInt64.self)
        a = Self.step(a, words.0)
        b = Self.step(b, words.1)
        c = Self.step(c, words.2)
        d = Self.step(d, words.3)
        offset &+= Self.stripe
      }
      (self.a, self.b, self.c, self.d) = (a, b, c, d)
      taken = offset + window.start
    }
    move(offset..<part.upperBound, of: source, to: target, offset - part.lowerBound)
  }

  /// The checksum of the whole, of which `window` has the rest.
  mutating func finish(_ window: RecordWindow) -> UInt64 {
    precondition(window.start <= taken && window.end >= size)
    take(upTo: size, of: window)
    var result = UInt64(size)
    for lane in [a, b, c, d] { result = Self.step(result, lane) }
    for index in taken..<size {
      result = Self.step(result, UInt64(window.bytes[index - window.start]))
    }
    return result
  }

  /// Takes the stripes that begin before `end`, as far as the window has the whole of them.
  mutating func take(upTo end: Int, of window: RecordWindow) {
    let last = min(end - 1, min(size, window.end) - Self.stripe) - window.start
    var offset = taken - window.start
    var (a, b, c, d) = (self.a, self.b, self.c, self.d)
    while offset <= last {
      let words = Self.load(window.bytes, offset)
      a = Self.step(a, words.0)
      b = Self.step(b, words.1)
      c = Self.step(c, words.2)
      d = Self.step(d, words.3)
      offset &+= Self.stripe
    }
    (self.a, self.b, self.c, self.d) = (a, b, c, d)
    taken = offset + window.start
  }

  private func move(
    _ range: Range<Int>, of source: UnsafeRawBufferPointer,
    to target: UnsafeMutableRawBufferPointer, _ position: Int
  ) {
    guard !range.isEmpty else { return }
    UnsafeMutableRawBufferPointer(rebasing: target[position..<(position + range.count)])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
  }

  @inline(__always)
  private static func load(
    _ source: UnsafeRawBufferPointer, _ offset: Int
  ) -> (UInt64, UInt64, UInt64, UInt64) {
    (
      source.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
      source.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self),
      source.loadUnaligned(fromByteOffset: offset &+ 16, as: UInt64.self),
      source.loadUnaligned(fromByteOffset: offset &+ 24, as: UInt64.self)
    )
  }

  /// Words are read with the lowest byte first, so that the index can be moved to any machine.
  @inline(__always)
  private static func step(_ lane: UInt64, _ word: UInt64) -> UInt64 {
    let mixed = lane ^ (UInt64(littleEndian: word) &* second)
    return ((mixed << 31) | (mixed >> 33)) &* first
  }
}
