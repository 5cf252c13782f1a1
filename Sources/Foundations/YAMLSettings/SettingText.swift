// What the text of a single value means, by the rules of the libraries that Fabric reads it with.

import GoText

/// Values in the text forms that viper and its hooks know.
package enum SettingText {
  /// A truth value in the words of YAML 1.1 or of Go; the empty text is false. Nil for any other text.
  package static func bool(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true", "t", "yes", "y", "on", "1": true
    case "false", "f", "no", "n", "off", "0", "": false
    default: nil
    }
  }

  /// A truth value in the words of YAML 1.1; nil for any other text.
  package static func yamlBool(_ text: String) -> Bool? {
    ["true", "yes", "y", "on", "false", "no", "n", "off"].contains(text.lowercased())
      ? bool(text) : nil
  }

  /// A 32-bit number in one of Go's notations, or one with a unit.
  package static func byteSize(_ text: String) throws(GoInteger.Failure) -> UInt32 {
    var size = try ByteSize.parse(text)
    if size == nil { size = try GoInteger.unsigned(text) }
    guard let size, let result = UInt32(exactly: size) else { throw .tooLarge }
    return result
  }

  /// The text between the brackets of `[a, b]`; nil for a text without brackets.
  package static func insideBrackets(_ text: String) -> Substring? {
    guard text.count > 1, text.hasPrefix("["), text.hasSuffix("]") else { return nil }
    return text.dropFirst().dropLast()
  }

  /// The text without blanks at its ends.
  package static func withoutBlanks(_ text: Substring) -> Substring {
    var text = text.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
