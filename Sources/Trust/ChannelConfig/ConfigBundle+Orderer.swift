// The part of a config without which nothing can be ordered.

extension ConfigBundle {
  /// The orderer group, without which an orderer does not serve a channel.
  ///
  /// - Parameter failure: Makes the caller's error from the reason.
  package func requiredOrderer<Failure: Error>(
    orThrow failure: (String) -> Failure
  ) throws(Failure) -> OrdererGroupConfig {
    guard let orderer else {
      throw failure("the config of channel '\(channelID)' has no Orderer group")
    }
    return orderer
  }
}
