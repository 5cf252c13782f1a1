// Whole numbers as Go reads them.

/// Go's integer literals: decimal, `0x`, `0o` or a leading zero, `0b`, with single `_` between digits.
/// Go: `strconv.ParseInt` and `ParseUint` with base 0.
package enum GoInteger {
  /// Why a text is not a number of the wanted range.
  package enum Failure: Error, Equatable {
    case malformed
    case tooLarge
  }

  /// A number without a sign.
  package static func unsigned(_ text: String) throws(Failure) -> UInt64 {
    guard let literal = Literal(text[...]) else { throw .malformed }
    guard let number = UInt64(literal.digits, radix: literal.radix) else { throw .tooLarge }
    return number
  }

  /// The number, with a sign if there is one; nil if it is not a number or needs more than 64 bits.
  package static func parse(_ text: String) -> Int64? {
    var rest = text[...]
    var sign = ""
    if let first = rest.first, first == "-" || first == "+" {
      sign = first == "-" ? "-" : ""
      rest.removeFirst()
    }
    guard let literal = Literal(rest) else { return nil }
    return Int64(sign + literal.digits, radix: literal.radix)
  }

  /// Digits without anything between them, and their base.
  private struct Literal {
    var digits = ""
    var radix = 10

    init?(_ text: Substring) {
      var rest = text.utf8
      var isBehindDigit = false
      if rest.count > 1, rest.first == UInt8(ascii: "0") {
        rest.removeFirst()
        isBehindDigit = true
        switch rest.first.map({ Character(UnicodeScalar($0)).lowercased() }) {
        case "x": radix = 16
        case "o": radix = 8
        case "b": radix = 2
        default:
          // The zero is a digit itself.
          digits = "0"
          radix = 8
        }
        if digits.isEmpty { rest.removeFirst() }
      }
      for byte in rest {
        if byte == UInt8(ascii: "_") {
          guard isBehindDigit else { return nil }
          isBehindDigit = false
          continue
        }
        let character = Character(UnicodeScalar(byte))
        guard byte < 0x80, let value = character.hexDigitValue, value < radix else { return nil }
        digits.append(character)
        isBehindDigit = true
      }
      guard isBehindDigit, !digits.isEmpty else { return nil }
    }
  }
}
