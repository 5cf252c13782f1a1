// Which names config elements and mod policies may have. Fabric: configtx/validator.

/// Checks of the names within a config. ``ChannelName`` checks those of channels.
package enum ConfigNames {
  /// How long a name may be, in bytes.
  package static let maximumLength = 249

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
      bytes.allSatisfy({
        NameByte.isLowercase($0) || NameByte.isLowercase($0 | 0x20) || NameByte.isDigitDotOrDash($0)
      })
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
}

/// The bytes that names are made of.
enum NameByte {
  static func isLowercase(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
  }

  static func isDigitDotOrDash(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "-")
  }
}
