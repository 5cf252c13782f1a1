// Which names channels and config elements may have. Fabric: configtx/validator.

/// Checks of names.
package enum ConfigNames {
  /// How long a name may be, in bytes.
  package static let maximumLength = 249

  /// Checks the name of a channel: a lower-case letter, then lower-case letters, digits, dots and
  /// dashes, at most ``maximumLength`` of them.
  ///
  /// - Throws: ``ConfigError`` with the reason.
  package static func validateChannelID(_ name: String) throws(ConfigError) {
    let bytes = name.utf8
    guard let first = bytes.first else {
      throw ConfigError(.invalid, "channel ID illegal, cannot be empty")
    }
    guard bytes.count <= maximumLength else {
      throw ConfigError(
        .invalid, "channel ID illegal, cannot be longer than \(maximumLength)")
    }
    guard isLowercase(first), bytes.allSatisfy({ isLowercase($0) || isDigitDotOrDash($0) }) else {
      throw ConfigError(.invalid, "'\(name)' contains illegal characters")
    }
  }

  /// Checks the name of a config element: letters, digits, dots and dashes, at most
  /// ``maximumLength`` of them, and neither "." nor "..".
  ///
  /// - Throws: ``ConfigError`` with the reason.
  package static func validateConfigID(_ name: String) throws(ConfigError) {
    let bytes = name.utf8
    guard !bytes.isEmpty else {
      throw ConfigError(.invalid, "config ID illegal, cannot be empty")
    }
    guard bytes.count <= maximumLength else {
      throw ConfigError(.invalid, "config ID illegal, cannot be longer than \(maximumLength)")
    }
    guard name != ".", name != ".." else {
      throw ConfigError(.invalid, "name '\(name)' for config ID is not allowed")
    }
    guard
      bytes.allSatisfy({ isLowercase($0) || isLowercase($0 | 0x20) || isDigitDotOrDash($0) })
    else { throw ConfigError(.invalid, "config ID '\(name)' contains illegal characters") }
  }

  /// Checks a reference to a policy: names as of config elements, separated by slashes, optionally
  /// with a slash before the first.
  ///
  /// - Throws: ``ConfigError`` with the reason.
  static func validateModPolicy(_ path: String) throws(ConfigError) {
    guard let first = path.utf8.first else { throw ConfigError(.invalid, "mod_policy not set") }
    let trimmed = first == UInt8(ascii: "/") ? path.dropFirst() : path[...]
    for (position, name) in trimmed.split(
      separator: "/", omittingEmptySubsequences: false
    ).enumerated() {
      do { try validateConfigID(String(name)) } catch {
        throw error.during("path element at \(position) is invalid")
      }
    }
  }

  private static func isLowercase(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }

  private static func isDigitDotOrDash(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "-")
  }
}
