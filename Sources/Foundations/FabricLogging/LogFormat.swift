// The format of log lines: Fabric's format verbs, or JSON, or logfmt.

import GoText

/// Why a text is not a log format.
package enum LogFormatError: Error, Sendable, Hashable, CustomStringConvertible {
  /// `%{color:…}` with something other than `bold` or `reset`.
  case invalidColorOption(String)
  /// The format is longer than `LogFormat.maximumLength` bytes.
  case tooLong(bytes: Int)

  package var description: String {
    switch self {
    case .invalidColorOption(let option):
      "invalid log format: invalid color option: \(option) (bold and reset are known)"
    case .tooLong(let bytes):
      "invalid log format: \(bytes) bytes are more than the \(LogFormat.maximumLength) that are"
        + " allowed"
    }
  }
}

/// How log entries become lines (Fabric: flogging/fabenc).
///
/// `json` and `logfmt` name the two structured encodings. Everything else is text with the verbs
/// `%{color}`, `%{id}`, `%{level}`, `%{message}`, `%{module}`, `%{shortfunc}` and `%{time}`, each
/// optionally with `:` and a directive. Anything else that looks like a verb stays as it is.
package struct LogFormat: Sendable, Hashable {
  /// The longest format that is accepted, in bytes.
  package static let maximumLength = 4096

  /// The text of the default format.
  package static let defaultText =
    "%{color}%{time:2006-01-02 15:04:05.000 MST} %{id:04x} %{level:.4s}%{color:reset} "
    + "[%{module}] %{color:bold}%{shortfunc}%{color:reset} -> %{message}"

  enum Element: Sendable, Hashable {
    case literal([UInt8])
    case color(bold: Bool)
    case colorReset
    case id(GoVerb)
    case level(GoVerb)
    /// Nil is plain `%s`, which needs no formatting at all.
    case message(GoVerb?)
    case module(GoVerb?)
    case function(GoVerb?)
    case time(GoTimeLayout)
  }

  enum Encoding: Sendable, Hashable {
    case console([Element])
    case json
    case logfmt
  }

  let encoding: Encoding

  /// The default format. (Its text is valid; logfmt stands in for a bug.)
  package static let standard = (try? LogFormat(defaultText)) ?? LogFormat(encoding: .logfmt)

  private init(encoding: Encoding) { self.encoding = encoding }

  /// Parses a format; the empty text is the default format.
  package init(_ text: String) throws(LogFormatError) {
    let length = text.utf8.count
    guard length <= Self.maximumLength else { throw .tooLong(bytes: length) }
    switch text {
    case "json": encoding = .json
    case "logfmt": encoding = .logfmt
    default: encoding = .console(try Self.parse(text.isEmpty ? Self.defaultText : text))
    }
  }

  private static func parse(_ text: String) throws(LogFormatError) -> [Element] {
    var elements: [Element] = []
    var literal: [UInt8] = []
    var rest = Substring(text)
    while let first = rest.first {
      guard first == "%", let (length, verb, directive) = match(rest) else {
        literal.append(contentsOf: String(first).utf8)
        rest.removeFirst()
        continue
      }
      if !literal.isEmpty { elements.append(.literal(literal)) }
      literal = []
      elements.append(try element(verb: verb, directive: directive))
      rest = rest.dropFirst(length)
    }
    if !literal.isEmpty { elements.append(.literal(literal)) }
    return elements
  }

  /// The verb at the beginning of `rest`, its directive, and how many characters both take.
  private static func match(_ rest: Substring) -> (Int, verb: String, directive: String)? {
    guard rest.hasPrefix("%{") else { return nil }
    let inner = rest.dropFirst(2)
    guard let close = inner.firstIndex(of: "}") else { return nil }
    let content = inner[..<close]
    guard !content.contains("\n") else { return nil }
    let colon = content.firstIndex(of: ":")
    let verb = content[..<(colon ?? content.endIndex)]
    guard ["color", "id", "level", "message", "module", "shortfunc", "time"].contains(verb) else {
      return nil
    }
    let directive = colon.map { String(content[content.index(after: $0)...]) } ?? ""
    return (content.count + 3, String(verb), directive)
  }

  private static func element(verb: String, directive: String) throws(LogFormatError) -> Element {
    let plain = directive.isEmpty || directive == "s"
    switch verb {
    case "color":
      switch directive {
      case "": return .color(bold: false)
      case "bold": return .color(bold: true)
      case "reset": return .colorReset
      default: throw .invalidColorOption(directive)
      }
    case "id": return .id(GoVerb(directive.isEmpty ? "d" : directive))
    case "level": return .level(GoVerb(directive.isEmpty ? "s" : directive))
    case "message": return .message(plain ? nil : GoVerb(directive))
    case "module": return .module(plain ? nil : GoVerb(directive))
    case "shortfunc": return .function(plain ? nil : GoVerb(directive))
    default:
      return .time(GoTimeLayout(directive.isEmpty ? "2006-01-02T15:04:05.999Z07:00" : directive))
    }
  }
}
