// Files of commands and the output that each is to have: the format of github.com/cockroachdb/datadriven.

import Foundation

/// One command of a file.
struct DataDrivenCommand {
  struct Argument {
    let key: String
    /// `key=a` has one, `key=(a,b)` two, `key` none.
    let values: [String]
  }

  let name: String
  let arguments: [Argument]
  /// The lines between the command and its output.
  let input: String
  /// With a newline at its end, if there is any.
  let expected: String
  /// Where the command stands.
  let line: Int

  func value(of key: String) -> String? {
    arguments.first { $0.key == key }?.values.first
  }

  /// Arguments without values, as numbers.
  var numbers: [UInt64] { arguments.filter(\.values.isEmpty).compactMap { UInt64($0.key) } }
}

/// A file of commands.
///
/// A command's line, its input if any, `----`, and its output up to an empty line. Output with empty lines in it
/// stands between two lines `----` and two more.
struct DataDrivenFile {
  struct Malformed: Error { let line: Int }

  let commands: [DataDrivenCommand]

  init(_ url: URL) throws {
    try self.init(text: String(contentsOf: url, encoding: .utf8))
  }

  init(text: String) throws {
    var lines = Lines(text)
    var commands: [DataDrivenCommand] = []
    while let first = lines.next() {
      let line = lines.number
      var command = first.trimmingCharacters(in: .whitespaces)
      if command.isEmpty || command.hasPrefix("#") { continue }
      while command.hasSuffix("\\"), let more = lines.next() {
        command = command.dropLast() + " " + more.trimmingCharacters(in: .whitespaces)
      }
      let words = Self.words(command)
      guard let name = words.first else { throw Malformed(line: line) }
      guard let input = lines.upTo("----") else { throw Malformed(line: line) }
      guard let expected = lines.output() else { throw Malformed(line: line) }
      commands.append(
        DataDrivenCommand(
          name: name, arguments: words.dropFirst().map(Self.argument), input: input,
          expected: expected, line: line))
    }
    self.commands = commands
  }

  /// Words are separated by spaces, but not those within parentheses.
  private static func words(_ line: String) -> [String] {
    var words: [String] = []
    var word = ""
    var depth = 0
    for character in line {
      if character == "(" { depth += 1 }
      if character == ")" { depth -= 1 }
      if character == " ", depth == 0 {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(character)
      }
    }
    return word.isEmpty ? words : words + [word]
  }

  private static func argument(_ word: String) -> DataDrivenCommand.Argument {
    guard let equals = word.firstIndex(of: "=") else {
      return DataDrivenCommand.Argument(key: word, values: [])
    }
    var value = String(word[word.index(after: equals)...])
    if value.hasPrefix("("), value.hasSuffix(")") { value = String(value.dropFirst().dropLast()) }
    return DataDrivenCommand.Argument(
      key: String(word[..<equals]),
      values: value.split { $0 == "," || $0 == " " }.map {
        $0.trimmingCharacters(in: .whitespaces)
      })
  }
}

/// The lines of a file, one after the other.
private struct Lines {
  private let lines: [String]
  private(set) var number = 0

  init(_ text: String) { lines = text.components(separatedBy: "\n") }

  mutating func next() -> String? {
    guard number < lines.count else { return nil }
    defer { number += 1 }
    return lines[number]
  }

  mutating func upTo(_ end: String) -> String? {
    var text = ""
    while let line = next() {
      if line == end { return text }
      text += line + "\n"
    }
    return nil
  }

  /// What stands behind the `----`.
  mutating func output() -> String? {
    guard number < lines.count else { return "" }
    if lines[number] == "----" {
      _ = next()
      guard let text = upTo("----"), next() == "----" else { return nil }
      return text
    }
    var text = ""
    while let line = next(), !line.isEmpty { text += line + "\n" }
    return text
  }
}
