// A JSON document and its text, laid out as Fabric's tools lay theirs out.

import GoText

/// A JSON value. Numbers keep the digits they were made of.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(Int64)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// The member of an object; nil if this is not an object or has no such member.
  package subscript(_ key: String) -> JSONValue? {
    if case .object(let members) = self { members[key] } else { nil }
  }

  /// The text: members sorted by name, a tab for each level, and a line end at the end, which is what
  /// `configtxlator` prints.
  package var text: String {
    var output: [UInt8] = []
    append(to: &output, indentation: 0)
    output.append(UInt8(ascii: "\n"))
    return String(decoding: output, as: UTF8.self)
  }

  private func append(to output: inout [UInt8], indentation: Int) {
    switch self {
    case .null: output += "null".utf8
    case .bool(let value): output += (value ? "true" : "false").utf8
    case .number(let value): output += String(value).utf8
    case .string(let value): JSONText.append(value, to: &output)
    case .array(let elements):
      Self.appendList("[", elements, "]", to: &output, indentation) { element, output in
        element.append(to: &output, indentation: indentation + 1)
      }
    case .object(let members):
      let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      Self.appendList("{", sorted, "}", to: &output, indentation) { member, output in
        JSONText.append(member.key, to: &output)
        output += ": ".utf8
        member.value.append(to: &output, indentation: indentation + 1)
      }
    }
  }

  private static func appendList<Element>(
    _ opening: String, _ elements: [Element], _ closing: String, to output: inout [UInt8],
    _ indentation: Int, _ append: (Element, inout [UInt8]) -> Void
  ) {
    output += opening.utf8
    for (index, element) in elements.enumerated() {
      output += (index == 0 ? "\n" : ",\n").utf8
      output += repeatElement(UInt8(ascii: "\t"), count: indentation + 1)
      append(element, &output)
    }
    if !elements.isEmpty {
      output.append(UInt8(ascii: "\n"))
      output += repeatElement(UInt8(ascii: "\t"), count: indentation)
    }
    output += closing.utf8
  }
}
