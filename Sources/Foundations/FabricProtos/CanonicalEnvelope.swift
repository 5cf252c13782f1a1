// The one encoding of an envelope that all implementations of a network share.

extension EnvelopeView {
  /// An envelope as the Go implementation encodes it again after decoding: the payload and the
  /// signature in this order, each once and only if it is not empty, and then unknown fields as they
  /// came.
  ///
  /// Orderers that share a log must put the same bytes into their blocks, and Go nodes put in what
  /// they have encoded again. Bytes already in this form, as every usual client sends them, are
  /// returned without a copy.
  ///
  /// - Throws: ``EnvelopeError/malformed(_:)`` if the bytes are not an envelope.
  package static func canonicalBytes(_ bytes: [UInt8]) throws(EnvelopeError) -> [UInt8] {
    var payload = 0..<0
    var signature = 0..<0
    var unknown: [Range<Int>] = []
    do {
      var reader = WireReader(bytes, 0..<bytes.count)
      var start = 0
      while let field = try reader.next() {
        if field.isBytes(1) {
          payload = field.range
        } else if field.isBytes(2) {
          signature = field.range
        } else {
          unknown.append(start..<reader.index)
        }
        start = reader.index
      }
    } catch { throw .malformed("envelope") }
    let size =
      fieldSize(payload.count) + fieldSize(signature.count)
      + unknown.reduce(0) { $0 + $1.count }
    // Two fields in their shortest form that fill the bytes exactly leave room for no other order.
    if size == bytes.count, unknown.isEmpty,
      signature.isEmpty || payload.isEmpty || payload.upperBound <= signature.lowerBound
    {
      return bytes
    }
    var result: [UInt8] = []
    result.reserveCapacity(size)
    for (number, range) in [(UInt64(1), payload), (2, signature)] where !range.isEmpty {
      Varint.append(number << 3 | 2, to: &result)
      Varint.append(UInt64(range.count), to: &result)
      result += bytes[range]
    }
    for range in unknown { result += bytes[range] }
    return result
  }

  private static func fieldSize(_ count: Int) -> Int {
    count == 0 ? 0 : 1 + Varint.size(UInt64(count)) + count
  }
}
