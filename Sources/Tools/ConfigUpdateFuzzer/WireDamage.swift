// Damage to serialized messages that knows about fields: the rest stays a message, if an odd one.

import FabricProtos

/// Changes serialized protobuf messages at any level of nesting.
enum WireDamage {
  private struct Field {
    /// Tag and content.
    let whole: Range<Int>
    let number: UInt64
    /// The content of a length-delimited field.
    let content: Range<Int>?
  }

  /// Damages a message once.
  ///
  /// - Parameter depth: How many levels the damage may still descend.
  static func apply(
    to bytes: [UInt8], _ random: inout SeededRandom, depth: Int = 8
  ) -> [UInt8] {
    guard let fields = split(bytes), let field = random.pick(fields) else {
      return plain(bytes, &random)
    }
    var result = bytes
    let whole = Array(bytes[field.whole])
    switch random.below(depth > 0 && field.content != nil ? 14 : 8) {
    case 0: result.removeSubrange(field.whole)
    case 1: result.insert(contentsOf: whole, at: field.whole.upperBound)
    case 2:
      result.removeSubrange(field.whole)
      result += whole
    case 3: result.insert(contentsOf: unknown(&random), at: field.whole.lowerBound)
    case 4: return Array(bytes.prefix(random.below(bytes.count + 1)))
    case 5:
      // The same content under another number.
      guard let content = field.content else { return plain(bytes, &random) }
      result.replaceSubrange(
        field.whole, with: encode(UInt64(1 + random.below(12)), Array(bytes[content])))
    case 6:
      // A length that lies.
      guard let content = field.content else { return plain(bytes, &random) }
      var lie: [UInt8] = []
      Varint.append(field.number << 3 | 2, to: &lie)
      Varint.append(random.chance(50) ? random.next() : UInt64(content.count + 1), to: &lie)
      result.replaceSubrange(field.whole, with: lie + bytes[content])
    case 7: return plain(bytes, &random)
    default:
      guard let content = field.content else { return plain(bytes, &random) }
      let inner = apply(to: Array(bytes[content]), &random, depth: depth - 1)
      result.replaceSubrange(field.whole, with: encode(field.number, inner))
    }
    return result
  }

  /// Damage that knows nothing.
  static func plain(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
    guard !bytes.isEmpty else { return random.bytes(upTo: 16) }
    var result = bytes
    let position = random.below(bytes.count)
    switch random.below(4) {
    case 0: result[position] ^= 1 << UInt8(random.below(8))
    case 1: result[position] = UInt8(random.below(256))
    case 2: result.remove(at: position)
    default: result.insert(UInt8(random.below(256)), at: position)
    }
    return result
  }

  static func encode(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    Varint.append(number << 3 | 2, to: &result)
    Varint.append(UInt64(content.count), to: &result)
    return result + content
  }

  /// A field that no message of Fabric has; now and then deep inside groups, or messages, of its own.
  private static func unknown(_ random: inout SeededRandom) -> [UInt8] {
    var content = random.bytes(upTo: 20)
    let nesting = random.chance(10) ? random.below(2_000) : 0
    if random.chance(50) {
      // Deprecated groups: a start and an end tag of field 900.
      let start: [UInt8] = [0xA3, 0x38]
      let end: [UInt8] = [0xA4, 0x38]
      return Array(repeatElement(start, count: nesting + 1).joined())
        + Array(repeatElement(end, count: nesting + 1).joined())
    }
    for _ in 0..<min(nesting, 200) { content = encode(2, content) }
    return encode(900, content)
  }

  /// The fields of a message; nil if the bytes are not one.
  private static func split(_ bytes: [UInt8]) -> [Field]? {
    var fields: [Field] = []
    var reader = WireReader(bytes, bytes.indices)
    do {
      var start = reader.index
      while let field = try reader.next() {
        fields.append(
          Field(
            whole: start..<reader.index, number: field.number,
            content: field.type == 2 ? field.range : nil))
        start = reader.index
      }
      return fields
    } catch {
      return nil
    }
  }
}
