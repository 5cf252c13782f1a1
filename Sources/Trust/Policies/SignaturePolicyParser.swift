// The text form of signature policies, as it is written in configtx.yaml.

import FabricProtos

/// Parses rules such as `OR('Org1MSP.admin', AND('Org2MSP.peer', 'Org3MSP.peer'))` or
/// `OutOf(2, 'A.member', 'B.member', 'C.member')`. Fabric: common/policydsl.
///
/// The gates are `And`, `Or` and `OutOf`, each also in lower and in upper case. A principal is a
/// quoted MSP ID, a dot, and one of the roles admin, member, client, peer and orderer.
package enum SignaturePolicyParser {
  /// How deep gates may nest; what nests deeper could not be read back from its wire form.
  package static let maximumDepth = 45
  /// How long a rule may be, in bytes of UTF-8.
  package static let maximumLength = 1 << 20

  /// Parses a rule into the message that Fabric's configtxgen makes of it.
  ///
  /// The principals of the gates inside a gate are numbered before the gate's own, as Fabric
  /// evaluates arguments first; equal principals are not merged.
  ///
  /// - Throws: ``PolicyError`` of kind syntax with the reason.
  package static func parse(_ rule: String) throws(PolicyError) -> Common_SignaturePolicyEnvelope {
    guard rule.utf8.count <= maximumLength else {
      throw PolicyError(.syntax, "the policy string is longer than \(maximumLength) bytes")
    }
    var parser = Parser(text: Array(rule.unicodeScalars))
    let expression = try parser.parseExpression(depth: 0)
    try parser.expectEnd()
    guard case .gate(let gate) = expression else {
      throw PolicyError(.syntax, "invalid policy string '\(rule)'")
    }
    var builder = Builder()
    var result = Common_SignaturePolicyEnvelope()
    result.rule = try builder.build(gate)
    result.identities = builder.principals
    return result
  }
}

/// What an argument of a gate can be.
private indirect enum Expression {
  case number(Double)
  case text(String)
  case gate(Gate)
}

private struct Gate {
  enum Kind { case and, or, outOf }
  let kind: Kind
  let arguments: [Expression]
}

private struct Parser {
  let text: [Unicode.Scalar]
  var position = 0

  init(text: [Unicode.Scalar]) { self.text = text }

  mutating func skipSpace() {
    while position < text.count, text[position].properties.isWhitespace { position += 1 }
  }

  mutating func peek() -> Unicode.Scalar? {
    skipSpace()
    return position < text.count ? text[position] : nil
  }

  private static func checkDepth(_ depth: Int) throws(PolicyError) {
    guard depth < SignaturePolicyParser.maximumDepth else {
      throw PolicyError(
        .syntax,
        "the gates of the policy string nest deeper than "
          + "\(SignaturePolicyParser.maximumDepth) levels")
    }
  }

  mutating func expectEnd() throws(PolicyError) {
    if let next = peek() {
      throw PolicyError(.syntax, "unexpected '\(next)' after the end of the policy string")
    }
  }

  mutating func parseExpression(depth: Int) throws(PolicyError) -> Expression {
    guard let first = peek() else { throw PolicyError(.syntax, "Unexpected end of expression") }
    switch first {
    case "'", "\"": return .text(try parseText())
    case "0"..."9", ".", "-": return .number(try parseNumber())
    case "(":
      try Self.checkDepth(depth)
      position += 1
      let inner = try parseExpression(depth: depth + 1)
      guard peek() == ")" else { throw PolicyError(.syntax, "Unbalanced parenthesis") }
      position += 1
      return inner
    default:
      guard first.properties.isAlphabetic else {
        throw PolicyError(.syntax, "Invalid token: '\(first)'")
      }
      return .gate(try parseGate(depth: depth))
    }
  }

  /// A quoted text. Either quote ends it, whichever began it, and a backslash takes the next
  /// character as it is.
  private mutating func parseText() throws(PolicyError) -> String {
    position += 1
    var result = String.UnicodeScalarView()
    while position < text.count {
      let scalar = text[position]
      position += 1
      switch scalar {
      case "'", "\"": return String(result)
      case "\\":
        guard position < text.count else { break }
        result.append(text[position])
        position += 1
      default: result.append(scalar)
      }
    }
    throw PolicyError(.syntax, "Unclosed string literal")
  }

  private mutating func parseNumber() throws(PolicyError) -> Double {
    var digits = ""
    if text[position] == "-" {
      digits = "-"
      position += 1
    }
    while position < text.count, ("0"..."9").contains(text[position]) || text[position] == "." {
      digits.unicodeScalars.append(text[position])
      position += 1
    }
    guard let number = Double(digits) else {
      throw PolicyError(.syntax, "Unable to parse numeric value '\(digits)' to float64")
    }
    return number
  }

  private mutating func parseGate(depth: Int) throws(PolicyError) -> Gate {
    try Self.checkDepth(depth)
    var name = ""
    while position < text.count {
      let scalar = text[position]
      guard
        scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_"
          || scalar == "."
      else { break }
      name.unicodeScalars.append(scalar)
      position += 1
    }
    let kind: Gate.Kind
    switch name {
    case "And", "and", "AND": kind = .and
    case "Or", "or", "OR": kind = .or
    case "OutOf", "outof", "OUTOF": kind = .outOf
    case "true", "false": throw PolicyError(.syntax, "unexpected type bool")
    default: throw PolicyError(.syntax, "unrecognized token '\(name)' in policy string")
    }
    guard peek() == "(" else {
      throw PolicyError(.syntax, "expected '(' after \(name) in policy string")
    }
    position += 1
    var arguments: [Expression] = []
    if peek() == ")" {
      position += 1
      return Gate(kind: kind, arguments: arguments)
    }
    while true {
      arguments.append(try parseExpression(depth: depth + 1))
      switch peek() {
      case ",": position += 1
      case ")":
        position += 1
        return Gate(kind: kind, arguments: arguments)
      case let other?:
        throw PolicyError(.syntax, "expected ',' or ')' in policy string, but got '\(other)'")
      case nil: throw PolicyError(.syntax, "Unbalanced parenthesis")
      }
    }
  }
}

private struct Builder {
  var principals: [Common_MSPPrincipal] = []

  mutating func build(_ gate: Gate) throws(PolicyError) -> Common_SignaturePolicy {
    var arguments = gate.arguments[...]
    let needed: Double
    switch gate.kind {
    case .and, .or:
      try Self.checkCount(arguments.count + 1)
      needed = gate.kind == .or ? 1 : Double(arguments.count)
    case .outOf:
      try Self.checkCount(arguments.count)
      needed = try Self.number(arguments.removeFirst())
    }

    // Gates among the arguments come first: that is the order in which principals are numbered.
    var rules: [Common_SignaturePolicy?] = []
    for argument in arguments {
      if case .gate(let inner) = argument {
        rules.append(try build(inner))
      } else {
        rules.append(nil)
      }
    }
    let total = arguments.count
    guard needed.isFinite, needed.rounded(.towardZero) >= 0,
      needed.rounded(.towardZero) <= Double(total + 1)
    else {
      let shown = Int32(exactly: needed.rounded(.towardZero)).map(String.init) ?? "\(needed)"
      throw PolicyError(.syntax, "invalid t-out-of-n predicate, t \(shown), n \(total)")
    }
    var result = Common_SignaturePolicy.NOutOf()
    result.n = Int32(needed.rounded(.towardZero))
    for (argument, rule) in zip(arguments, rules) {
      if let rule {
        result.rules.append(rule)
        continue
      }
      switch argument {
      case .text(let text): result.rules.append(try signedBy(text))
      case .number: throw PolicyError(.syntax, "unexpected type float64")
      case .gate: continue
      }
    }
    return PolicyTemplate.rule(result)
  }

  private static func checkCount(_ count: Int) throws(PolicyError) {
    guard count >= 2 else {
      throw PolicyError(.syntax, "expected at least two arguments to NOutOf. Given \(count)")
    }
  }

  private static func number(_ expression: Expression) throws(PolicyError) -> Double {
    switch expression {
    case .number(let number): return number
    case .text(let text):
      // The text is read again as an expression, which has to be a number.
      var parser = Parser(text: Array(text.unicodeScalars))
      if case .number(let number)? = try? parser.parseExpression(depth: 0), parser.peek() == nil {
        return number
      }
      throw PolicyError(.syntax, "unrecognized type, expected a number, got '\(text)'")
    case .gate:
      throw PolicyError(.syntax, "unrecognized type, expected a number, got a gate")
    }
  }

  private mutating func signedBy(_ text: String) throws(PolicyError) -> Common_SignaturePolicy {
    guard let dot = text.utf8.lastIndex(of: UInt8(ascii: ".")), dot != text.startIndex,
      text[..<dot].utf8.allSatisfy(Self.isAllowedInMSPID),
      let role = Self.role(text[text.utf8.index(after: dot)...])
    else { throw PolicyError(.syntax, "unrecognized token '\(text)' in policy string") }
    principals.append(PolicyTemplate.principal(mspID: String(text[..<dot]), role: role))
    var rule = Common_SignaturePolicy()
    rule.signedBy = Int32(clamping: principals.count - 1)
    return rule
  }

  private static func isAllowedInMSPID(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  private static func role(_ name: Substring) -> Common_MSPRole.MSPRoleType? {
    switch name {
    case "admin": .admin
    case "member": .member
    case "client": .client
    case "peer": .peer
    case "orderer": .orderer
    default: nil
    }
  }
}
