// The names of the policies that the orderer asks for. Fabric: common/policies.

/// Absolute paths of well-known policies of a channel.
public enum PolicyPath {
  /// What separates the groups of a path.
  public static let separator: Character = "/"
  /// The name of the root group.
  public static let channelGroup = "Channel"
  /// Who may read from the channel.
  public static let channelReaders = "/Channel/Readers"
  /// Who may write to the channel.
  public static let channelWriters = "/Channel/Writers"
  /// Who administers the channel.
  public static let channelAdmins = "/Channel/Admins"
  /// Readers among the application's organizations.
  public static let applicationReaders = "/Channel/Application/Readers"
  /// Writers among the application's organizations.
  public static let applicationWriters = "/Channel/Application/Writers"
  /// Administrators of the application's organizations.
  public static let applicationAdmins = "/Channel/Application/Admins"
  /// Readers among the ordering organizations.
  public static let channelOrdererReaders = "/Channel/Orderer/Readers"
  /// Writers among the ordering organizations.
  public static let channelOrdererWriters = "/Channel/Orderer/Writers"
  /// Administrators of the ordering organizations.
  public static let channelOrdererAdmins = "/Channel/Orderer/Admins"
  /// Whose signatures make a block valid.
  public static let blockValidation = "/Channel/Orderer/BlockValidation"
}
