// What a Content-Type or Content-Disposition header says.

/// A header value such as `multipart/form-data; boundary=x` (RFC 9110, 8.3.1; Go: `mime.ParseMediaType`).
package struct MediaType: Sendable, Equatable {
  /// In lower case: `multipart/form-data`.
  package let name: String
  /// By names in lower case.
  package let parameters: [String: String]

  /// Why a value cannot be read, in the words of Go's orderer.
  package struct Malformed: Error, CustomStringConvertible {
    package let description: String
  }

  /// - Throws: ``Malformed``
  package init(parsing text: String) throws(Malformed) {
    var reader = Reader(rest: Array(text.utf8)[...])
    name = try reader.type()
    var parameters: [String: String] = [:]
    while let (name, value) = try reader.parameter() {
      guard parameters.updateValue(value, forKey: name) == nil else {
        throw Malformed(description: "mime: duplicate parameter name")
      }
    }
    self.parameters = parameters
  }

  /// Takes the value apart from its beginning.
  private struct Reader {
    var rest: ArraySlice<UInt8>

    /// The part before the first semicolon.
    mutating func type() throws(Malformed) -> String {
      let text = rest.prefix { $0 != UInt8(ascii: ";") }
      rest = rest[text.endIndex...]
      var type = Reader(rest: text)
      type.skipBlanks()
      guard let first = type.token() else { throw Malformed(description: "mime: no media type") }
      var name = first
      if type.skip("/") {
        guard let second = type.token() else {
          throw Malformed(description: "mime: expected token after slash")
        }
        name += "/" + second
      }
      type.skipBlanks()
      guard type.rest.isEmpty else {
        throw Malformed(description: "mime: unexpected content after media subtype")
      }
      return name.lowercased()
    }

    /// The next `; name=value`; nil at the end, which may be a semicolon.
    mutating func parameter() throws(Malformed) -> (name: String, value: String)? {
      skipBlanks()
      guard !rest.isEmpty else { return nil }
      guard skip(";") else { throw Malformed(description: "mime: invalid media parameter") }
      skipBlanks()
      if rest.isEmpty { return nil }
      guard let name = token() else {
        throw Malformed(description: "mime: invalid media parameter")
      }
      skipBlanks()
      guard skip("=") else { throw Malformed(description: "mime: invalid media parameter") }
      skipBlanks()
      guard let value = try rest.first == UInt8(ascii: "\"") ? quoted() : token() else {
        throw Malformed(description: "mime: invalid media parameter")
      }
      return (name.lowercased(), value)
    }

    mutating func skipBlanks() {
      rest = rest.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
      guard rest.first == UInt8(ascii: character) else { return false }
      rest = rest.dropFirst()
      return true
    }

    /// The longest token here; nil if there is none.
    mutating func token() -> String? {
      let token = rest.prefix(while: Self.isTokenByte)
      guard !token.isEmpty else { return nil }
      rest = rest[token.endIndex...]
      return String(decoding: token, as: UTF8.self)
    }

    /// A text in quotation marks, where a backslash takes a quotation mark or a backslash as it is. Before
    /// anything else it stands for itself, since browsers send paths of Windows that way.
    private mutating func quoted() throws(Malformed) -> String {
      rest = rest.dropFirst()
      var value: [UInt8] = []
      while let byte = rest.popFirst() {
        switch byte {
        case UInt8(ascii: "\""): return String(decoding: value, as: UTF8.self)
        case UInt8(ascii: "\\"):
          if let next = rest.first, next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") {
            value.append(next)
            rest = rest.dropFirst()
          } else {
            value.append(byte)
          }
        case UInt8(ascii: "\r"), UInt8(ascii: "\n"):
          throw Malformed(description: "mime: invalid media parameter")
        default: value.append(byte)
        }
      }
      throw Malformed(description: "mime: invalid media parameter")
    }

    /// RFC 9110, 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
    }
  }
}
