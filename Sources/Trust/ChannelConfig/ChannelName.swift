// Which names channels may have. Fabric: configtx/validator (`ValidateChannelID`).

/// The check of a channel's name. Names become folders, Kafka topics and parts of paths.
package enum ChannelName {
  /// How long a name may be, in bytes. Kafka allows its topics no more.
  package static let maximumLength = 249

  /// Checks for a lower-case letter, then lower-case letters, digits, dots and dashes, together at most
  /// ``maximumLength``.
  ///
  /// - Throws: ``ConfigError`` with the reason.
  package static func check(_ name: String) throws(ConfigError) {
    let bytes = name.utf8
    guard let first = bytes.first else {
      throw ConfigError(.invalid, "channel ID illegal, cannot be empty")
    }
    guard bytes.count <= maximumLength else {
      throw ConfigError(
        .invalid, "channel ID illegal, cannot be longer than \(maximumLength)")
    }
    guard NameByte.isLowercase(first),
      bytes.allSatisfy({ NameByte.isLowercase($0) || NameByte.isDigitDotOrDash($0) })
    else {
      throw ConfigError(.invalid, "'\(name)' contains illegal characters")
    }
  }
}
