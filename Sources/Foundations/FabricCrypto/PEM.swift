// PEM as Fabric's tools read it: blocks anywhere in a text, whatever else surrounds them.

/// One PEM block.
package struct PEMBlock: Sendable, Hashable {
  /// The text between `BEGIN` and the dashes, such as `CERTIFICATE`.
  package var type: String
  /// The lines `key: value` ahead of the data, such as `Proc-Type`.
  package var headers: [String: String]
  /// The decoded data.
  package var der: [UInt8]

  /// Makes a block from its parts.
  package init(type: String, headers: [String: String] = [:], der: [UInt8]) {
    self.type = type
    self.headers = headers
    self.der = der
  }
}

/// Reading and writing PEM, as tolerant as Go's `encoding/pem`, since Go nodes accept and compare
/// identities by what that decoder makes of them: text before a block and damaged blocks are
/// skipped, the data may contain blanks, and anything may follow.
package enum PEM {
  /// The most blocks that are taken from one text.
  package static let maximumBlocks = 4096

  /// A block with more header lines than this counts as damaged.
  static let maximumHeaders = 64

  private static let begin = Array("-----BEGIN ".utf8)
  private static let end = Array("\n-----END ".utf8)
  private static let dashes = Array("-----".utf8)

  /// All blocks of a text, in order, at most ``maximumBlocks``.
  package static func decodeAll(_ text: String) -> [PEMBlock] {
    decodeAll(Array(text.utf8))
  }

  /// All blocks of a text given as bytes, in order, at most ``maximumBlocks``.
  package static func decodeAll(_ bytes: [UInt8]) -> [PEMBlock] {
    var blocks: [PEMBlock] = []
    var rest = bytes[...]
    while blocks.count < maximumBlocks, let (block, next) = decodeFirst(rest) {
      blocks.append(block)
      rest = next
    }
    return blocks
  }

  /// The first well-formed block of a text given as bytes, and what follows it; nil if there is none.
  package static func decodeFirst(
    _ bytes: ArraySlice<UInt8>
  ) -> (block: PEMBlock, rest: ArraySlice<UInt8>)? {
    // The search goes from END to END; the block begins at the last BEGIN before it. Each turn starts
    // after the previous END, so the whole is linear in the input.
    var position = bytes.startIndex
    while let endLine = find(end, in: bytes[position...]) {
      let afterEnd = endLine + end.count
      defer { position = afterEnd }
      guard let beginning = findLast(begin, in: bytes[position..<endLine]),
        // BEGIN counts only at the beginning of a line. After a discarded END no line begins.
        beginning == position || bytes[beginning - 1] == 0x0A,
        let found = block(in: bytes, from: beginning + begin.count, endLine: endLine)
      else { continue }
      return found
    }
    return nil
  }

  /// The text of one block with lines of 64 characters, as `pem.EncodeToMemory` writes it.
  package static func encode(type: String, der: [UInt8]) -> [UInt8] {
    var text = begin
    text.reserveCapacity(der.count * 4 / 3 + der.count / 48 + 2 * type.utf8.count + 40)
    text.append(contentsOf: type.utf8)
    text.append(contentsOf: dashes)
    text.append(0x0A)
    Base64.append(der, to: &text, lineLength: 64)
    text.append(contentsOf: end.dropFirst())
    text.append(contentsOf: type.utf8)
    text.append(contentsOf: dashes)
    text.append(0x0A)
    return text
  }

  /// The block whose type begins at `start` and whose END line has its line feed at `endLine`.
  private static func block(
    in bytes: ArraySlice<UInt8>, from start: Int, endLine: Int
  ) -> (block: PEMBlock, rest: ArraySlice<UInt8>)? {
    // The type's own line may end with the line feed that opens the END line: an empty block.
    var (line, cursor) = Self.line(of: bytes, at: start)
    guard line.count >= dashes.count, line.suffix(dashes.count).elementsEqual(dashes) else {
      return nil
    }
    let type = line.dropLast(dashes.count)

    var headers: [String: String] = [:]
    var headerLines = 0
    while cursor < bytes.endIndex {
      let next: Int
      (line, next) = Self.line(of: bytes, at: cursor)
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { break }
      headerLines += 1
      guard headerLines <= maximumHeaders else { return nil }
      let key = String(decoding: trimmed(line[..<colon]), as: UTF8.self)
      headers[key] = String(decoding: trimmed(line[(colon + 1)...]), as: UTF8.self)
      cursor = next
    }
    guard cursor < bytes.endIndex, headers.isEmpty || cursor <= endLine else { return nil }

    let trailer = bytes[(endLine + end.count)...]
    guard trailer.starts(with: type) else { return nil }
    let afterType = trailer.dropFirst(type.count)
    guard afterType.starts(with: dashes) else { return nil }
    let (remainder, rest) = Self.line(of: bytes, at: afterType.startIndex + dashes.count)
    guard remainder.isEmpty else { return nil }

    var der: [UInt8] = []
    if cursor < endLine {
      guard let decoded = Base64.decode(bytes[cursor..<endLine]) else { return nil }
      der = decoded
    }
    let block = PEMBlock(
      type: String(decoding: type, as: UTF8.self), headers: headers, der: der)
    return (block, bytes[rest...])
  }

  /// The line at `start` without trailing blanks, and where the next one begins.
  private static func line(
    of bytes: ArraySlice<UInt8>, at start: Int
  ) -> (line: ArraySlice<UInt8>, next: Int) {
    var lineEnd = bytes.endIndex
    var next = bytes.endIndex
    if let feed = bytes[start...].firstIndex(of: 0x0A) {
      next = feed + 1
      lineEnd = feed
      if feed > start, bytes[feed - 1] == 0x0D { lineEnd = feed - 1 }
    }
    while lineEnd > start, bytes[lineEnd - 1] == 0x20 || bytes[lineEnd - 1] == 0x09 {
      lineEnd -= 1
    }
    return (bytes[start..<lineEnd], next)
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    var bytes = bytes.drop(while: isBlank)
    while let last = bytes.last, isBlank(last) { bytes.removeLast() }
    return bytes
  }

  /// The index of the first occurrence of `pattern`.
  private static func find(_ pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
    guard let first = pattern.first, bytes.count >= pattern.count else { return nil }
    let last = bytes.endIndex - pattern.count
    var index = bytes.startIndex
    while index <= last {
      guard let candidate = bytes[index...last].firstIndex(of: first) else { return nil }
      if bytes[candidate..<(candidate + pattern.count)].elementsEqual(pattern) { return candidate }
      index = candidate + 1
    }
    return nil
  }

  /// The index of the last occurrence of `pattern`.
  private static func findLast(_ pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
    guard let first = pattern.first, bytes.count >= pattern.count else { return nil }
    var index = bytes.endIndex - pattern.count
    while index >= bytes.startIndex {
      if bytes[index] == first,
        bytes[index..<(index + pattern.count)].elementsEqual(pattern)
      {
        return index
      }
      index -= 1
    }
    return nil
  }
}
