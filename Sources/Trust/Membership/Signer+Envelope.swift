// The envelopes that identities of this program sign.

import FabricProtos
import Foundation

extension Signer {
  /// A serialized envelope, signed in this identity's name (Fabric: `protoutil.CreateSignedEnvelope`).
  ///
  /// - Throws: What signing throws.
  package func envelope(
    _ channelHeader: Common_ChannelHeader, data: [UInt8], nonce: [UInt8]
  ) throws -> [UInt8] {
    var signatureHeader = Common_SignatureHeader()
    signatureHeader.creator = Data(serializedIdentity)
    signatureHeader.nonce = Data(nonce)
    var payload = Common_Payload()
    payload.header.channelHeader = try channelHeader.serializedBytes()
    payload.header.signatureHeader = try signatureHeader.serializedBytes()
    payload.data = Data(data)
    let payloadBytes: [UInt8] = try payload.serializedBytes()
    var envelope = Common_Envelope()
    envelope.payload = Data(payloadBytes)
    envelope.signature = Data(try sign([payloadBytes[...]]))
    return try envelope.serializedBytes()
  }
}
