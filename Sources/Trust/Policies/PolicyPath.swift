// The names of the policies that the orderer asks for. Fabric: common/policies.

/// Absolute paths of well-known policies of a channel.
package enum PolicyPath {
  /// What separates the groups of a path.
  package static let separator: Character = "/"
  /// The name of the root group.
  package static let channelGroup = "Channel"
  /// Who may read from the channel.
  package static let channelReaders = "/Channel/Readers"
  /// Who may write to the channel.
  package static let channelWriters = "/Channel/Writers"
  /// Readers among the application's organizations.
  package static let applicationReaders = "/Channel/Application/Readers"
  /// Writers among the application's organizations.
  package static let applicationWriters = "/Channel/Application/Writers"
  /// Administrators of the application's organizations.
  package static let applicationAdmins = "/Channel/Application/Admins"
  /// Readers among the ordering organizations.
  package static let channelOrdererReaders = "/Channel/Orderer/Readers"
  /// Writers among the ordering organizations.
  package static let channelOrdererWriters = "/Channel/Orderer/Writers"
  /// Administrators of the ordering organizations.
  package static let channelOrdererAdmins = "/Channel/Orderer/Admins"
  /// Whose signatures make a block valid.
  package static let blockValidation = "/Channel/Orderer/BlockValidation"
}
