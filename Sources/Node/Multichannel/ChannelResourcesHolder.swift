// What the parts of one channel share: its name, its configuration in force, and the node's signer.

import ChannelConfig
import Membership
import MessageProcessing

/// The shared part of a channel. It owns none of the other parts, so that they can hold on to it.
final class ChannelResourcesHolder: ChannelResources {
  /// Is told each configuration that comes into force.
  typealias Observer = @Sendable (ConfigBundle) -> Void

  let channelID: String
  let signer: any Signer
  private let source: ConfigBundleSource
  private let observer: Observer

  init(bundle: ConfigBundle, signer: any Signer, observer: @escaping Observer) {
    channelID = bundle.channelID
    self.signer = signer
    self.observer = observer
    source = ConfigBundleSource(bundle)
    observer(bundle)
  }

  /// The configuration in force.
  var bundle: ConfigBundle { source.current }

  /// Brings a configuration into force.
  func update(_ bundle: ConfigBundle) {
    source.update(bundle)
    observer(bundle)
  }
}
