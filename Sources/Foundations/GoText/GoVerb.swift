// Go's fmt directives, as far as log formats use them: one value, one verb.

/// A directive such as `04x` or `-8.4s`, and the literal text that follows it.
///
/// Log formats carry these between the colon and the brace of a verb (`%{level:.4s}`), so operators'
/// formats keep their meaning only if the rules are those of Go's `fmt`.
package struct GoVerb: Sendable, Hashable {
  /// Wider fields are cut down to this: a format must not blow up every line.
  package static let maximumWidth = 256

  private var leftAligned = false
  private var signed = false
  private var alternate = false
  private var zeroPadded = false
  private var width = 0
  private var precision: Int?
  private var verb: Character?
  private var trailing = ""

  /// Parses what follows the percent sign, for example `04x`.
  package init(_ text: String) {
    var rest = Substring(text)
    flags: while let flag = rest.first {
      switch flag {
      case "-": leftAligned = true
      case "+": signed = true
      case "#": alternate = true
      case "0": zeroPadded = true
      case " ": break
      default: break flags
      }
      rest.removeFirst()
    }
    width = Self.takeNumber(&rest) ?? 0
    if rest.first == "." {
      rest.removeFirst()
      precision = Self.takeNumber(&rest) ?? 0
    }
    verb = rest.popFirst()
    trailing = String(rest)
  }

  private static func takeNumber(_ rest: inout Substring) -> Int? {
    var number: Int?
    while let digit = rest.first?.wholeNumberValue, rest.first?.isASCII == true {
      number = min((number ?? 0) * 10 + digit, maximumWidth)
      rest.removeFirst()
    }
    return number
  }

  /// Renders a string.
  package func format(_ value: String) -> String {
    guard let verb else { return "%!(NOVERB)" }
    switch verb {
    case "s", "v":
      return pad(precision.map { String(value.prefix($0)) } ?? value) + trailing
    case "q":
      return pad(Quoting.go(precision.map { String(value.prefix($0)) } ?? value)) + trailing
    case "x", "X":
      let bytes = precision.map { Array(value.utf8.prefix($0)) } ?? Array(value.utf8)
      let digits = bytes.map { Self.hexadecimal(UInt64($0), width: 2) }.joined()
      return pad(verb == "x" ? digits : digits.uppercased()) + trailing
    default:
      return "%!\(verb)(string=\(value))" + trailing
    }
  }

  /// Renders an unsigned number.
  package func format(_ value: UInt64) -> String {
    guard let verb else { return "%!(NOVERB)" }
    var digits: String
    var prefix = signed ? "+" : ""
    switch verb {
    case "d", "v": digits = String(value)
    case "x", "X":
      digits = String(value, radix: 16, uppercase: verb == "X")
      if alternate { prefix += verb == "X" ? "0X" : "0x" }
    case "o":
      digits = String(value, radix: 8)
      if alternate { prefix += "0" }
    case "b":
      digits = String(value, radix: 2)
      if alternate { prefix += "0b" }
    default:
      return "%!\(verb)(uint64=\(value))" + trailing
    }
    var wanted = precision ?? 0
    if precision == nil, zeroPadded, !leftAligned { wanted = width - prefix.count }
    if digits.count < wanted {
      digits = String(repeating: "0", count: wanted - digits.count) + digits
    }
    return pad(prefix + digits) + trailing
  }

  private func pad(_ text: String) -> String {
    // Log lines are mostly ASCII; only then the number of bytes says how wide the text is.
    let count = text.unicodeScalars.count
    guard count < width else { return text }
    let spaces = String(repeating: " ", count: width - count)
    return leftAligned ? text + spaces : spaces + text
  }

  private static func hexadecimal(_ value: UInt64, width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
