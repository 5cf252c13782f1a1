// A CONFIG_UPDATE message, decoded down to the update that was signed.

import FabricProtos

/// The decoded content of a CONFIG_UPDATE.
package struct ConfigUpdateMessage {
  /// The update and its signatures.
  package let signed: Common_ConfigUpdateEnvelope
  /// The update.
  package let update: Common_ConfigUpdate

  /// Decodes the data of an envelope, whatever its header type.
  package init(_ envelope: EnvelopeView) throws(ProcessingError) {
    signed = try decode(
      Common_ConfigUpdateEnvelope.self, Array(envelope.data),
      "the signed config update (ConfigUpdateEnvelope)")
    update = try decode(
      Common_ConfigUpdate.self, signed.configUpdate, "the config update (ConfigUpdate)")
  }
}
