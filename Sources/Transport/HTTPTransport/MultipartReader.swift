// Cuts a multipart body at its boundaries (RFC 2046, 5.1.1).

/// A body and how far it has been read.
struct MultipartReader {
  typealias Malformed = MultipartForm.Malformed

  private static let lf = UInt8(ascii: "\n")
  private static let cr = UInt8(ascii: "\r")

  private let body: [UInt8]
  /// Two hyphens and the boundary.
  private let delimiter: [UInt8]
  private var position = 0
  /// How lines end; settled by the first boundary.
  private var lineEnd: [UInt8] = [cr, lf]

  init(body: [UInt8], boundary: [UInt8]) {
    self.body = body
    delimiter = Array("--".utf8) + boundary
  }

  /// What the rest of a line that begins with the delimiter makes of it.
  private enum Boundary {
    case next
    case final
  }

  /// Skips what is before the first part.
  ///
  /// - Returns: false if the form has no part.
  mutating func skipPreamble() throws(Malformed) -> Bool {
    while let line = takeLine() {
      switch boundary(line, isFirst: true) {
      case .next: return true
      case .final: return false
      case nil: continue
      }
    }
    throw Malformed(description: "multipart: NextPart: EOF")
  }

  /// The headers of a part, with names in lower case, and the empty line behind them.
  mutating func headers(limit: Int) throws(Malformed) -> [(name: String, value: String)] {
    var fields: [(name: String, value: String)] = []
    let start = position
    while let line = takeLine() {
      guard position - start <= limit else {
        throw Malformed(description: "multipart: the headers of a part exceed \(limit) bytes")
      }
      let text = withoutLineEnd(line)
      if text.isEmpty { return fields }
      guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > text.startIndex else {
        throw Malformed(description: "multipart: NextPart: malformed MIME header line")
      }
      let name = String(decoding: text[..<colon], as: UTF8.self).lowercased()
      let value = text[(colon + 1)...].drop(while: Self.isBlank)
      let end = value.lastIndex { !Self.isBlank($0) }.map { $0 + 1 } ?? value.startIndex
      fields.append((name, String(decoding: value[..<end], as: UTF8.self)))
    }
    throw Malformed(description: "multipart: NextPart: EOF")
  }

  /// The content of a part; what follows is the boundary behind it.
  mutating func content() throws(Malformed) -> ArraySlice<UInt8> {
    let start = position
    // The boundary of a part without content may follow the empty line at once.
    if body[position...].starts(with: delimiter), isBoundary(at: position) {
      return body[start..<start]
    }
    var from = position
    while let end = lineEndBeforeDelimiter(from: from) {
      if isBoundary(at: end + lineEnd.count) {
        position = end + lineEnd.count
        return body[start..<end]
      }
      from = end + 1
    }
    throw Malformed(description: "unexpected EOF")
  }

  /// Reads the boundary behind a part.
  ///
  /// - Returns: whether another part follows.
  mutating func hasNext() throws(Malformed) -> Bool {
    guard let line = takeLine(), let boundary = boundary(line, isFirst: false) else {
      throw Malformed(description: "multipart: NextPart: EOF")
    }
    return boundary == .next
  }

  // MARK: Lines

  /// The next line with its end; nil at the end of the body.
  private mutating func takeLine() -> ArraySlice<UInt8>? {
    guard position < body.count else { return nil }
    let end = body[position...].firstIndex(of: Self.lf).map { $0 + 1 } ?? body.count
    defer { position = end }
    return body[position..<end]
  }

  private func withoutLineEnd(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var line = line
    if line.last == Self.lf { line.removeLast() }
    if line.last == Self.cr { line.removeLast() }
    return line
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  // MARK: Boundaries

  /// nil if the line is no boundary. The first one says how lines end.
  private mutating func boundary(_ line: ArraySlice<UInt8>, isFirst: Bool) -> Boundary? {
    guard line.starts(with: delimiter) else { return nil }
    let rest = line.dropFirst(delimiter.count)
    if isFinal(rest) { return .final }
    let end = rest.drop(while: Self.isBlank)
    if isFirst, end.elementsEqual([Self.lf]) { lineEnd = [Self.lf] }
    return end.elementsEqual(lineEnd) ? .next : nil
  }

  private func isFinal(_ rest: ArraySlice<UInt8>) -> Bool {
    guard rest.starts(with: "--".utf8) else { return false }
    let end = rest.dropFirst(2).drop(while: Self.isBlank)
    return end.isEmpty || withoutLineEnd(end).isEmpty
  }

  /// Whether the delimiter at `index` is all of a boundary, and not the beginning of other text.
  private func isBoundary(at index: Int) -> Bool {
    let lineEndIndex = body[index...].firstIndex(of: Self.lf).map { $0 + 1 } ?? body.count
    let rest = body[(index + delimiter.count)..<lineEndIndex]
    return isFinal(rest) || rest.drop(while: Self.isBlank).elementsEqual(lineEnd)
  }

  /// Where the next line ends whose successor begins with the delimiter.
  private func lineEndBeforeDelimiter(from start: Int) -> Int? {
    let pattern = lineEnd + delimiter
    guard body.count >= pattern.count else { return nil }
    return body.withUnsafeBufferPointer { bytes in
      var index = start
      while index <= bytes.count - pattern.count {
        if bytes[index] == pattern[0], bytes[index...].starts(with: pattern) { return index }
        index += 1
      }
      return nil
    }
  }
}
