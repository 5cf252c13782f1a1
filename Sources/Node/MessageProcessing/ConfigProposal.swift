// A CONFIG message, decoded down to the config that it proposes.

import FabricProtos

/// A CONFIG envelope, decoded.
package struct ConfigProposal {
  /// The channel of the header.
  package let channelID: String
  /// The config with the update that it was made from.
  package let envelope: Common_ConfigEnvelope
  /// The proposed config.
  package var config: Common_Config { envelope.config }

  /// Decodes an envelope that must be of type CONFIG.
  package init(_ view: EnvelopeView) throws(ProcessingError) {
    guard view.headerType == HeaderType.config else {
      throw .badRequest(
        "the message is of type \(HeaderType.name(view.headerType)), expected CONFIG")
    }
    channelID = view.channelID
    envelope = try decode(Common_ConfigEnvelope.self, Array(view.data), "the config message")
  }
}
