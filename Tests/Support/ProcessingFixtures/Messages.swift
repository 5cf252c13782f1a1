// Builds the messages that clients send.

import FabricProtos
import Foundation
import SwiftProtobuf

/// Builders of envelopes.
package enum Messages {
  package static func channelHeader(_ channelID: String, _ type: Common_HeaderType)
    -> Common_ChannelHeader
  {
    var header = Common_ChannelHeader()
    header.type = Int32(type.rawValue)
    header.channelID = channelID
    header.timestamp.seconds = 1_700_000_000
    return header
  }

  package static func signatureHeader(_ creator: TestIdentity) -> Common_SignatureHeader {
    var header = Common_SignatureHeader()
    header.creator = Data(creator.serializedIdentity)
    header.nonce = Data((0..<24).map { _ in UInt8.random(in: 0...255) })
    return header
  }

  /// A payload from serialized headers, of which each may be missing.
  package static func payload(
    _ channelHeader: [UInt8], _ signatureHeader: [UInt8], _ data: [UInt8]
  ) throws -> [UInt8] {
    var payload = Common_Payload()
    payload.header.channelHeader = Data(channelHeader)
    payload.header.signatureHeader = Data(signatureHeader)
    payload.data = Data(data)
    return try payload.serializedBytes()
  }

  /// An envelope of any payload.
  package static func envelope(payload: [UInt8], signature: [UInt8]) throws -> [UInt8] {
    var envelope = Common_Envelope()
    envelope.payload = Data(payload)
    envelope.signature = Data(signature)
    return try envelope.serializedBytes()
  }

  package static func signed(payload: [UInt8], _ signer: TestIdentity) throws -> [UInt8] {
    try envelope(payload: payload, signature: try signer.sign([payload[...]]))
  }

  /// A message as clients make it.
  package static func message(
    _ channelID: String, _ signer: TestIdentity, _ data: [UInt8] = Array("transaction".utf8),
    type: Common_HeaderType = .message
  ) throws -> [UInt8] {
    let payload = try payload(
      try channelHeader(channelID, type).serializedBytes(),
      try signatureHeader(signer).serializedBytes(), data)
    return try signed(payload: payload, signer)
  }

  /// A message whose payload and signature have `size` bytes together.
  package static func message(_ channelID: String, _ signer: TestIdentity, size: Int) throws
    -> EnvelopeView
  {
    var padding = size - 1000
    while true {
      let view = try EnvelopeView(
        try message(channelID, signer, [UInt8](repeating: 0x78, count: padding)))
      let actual = view.payload.count + view.signature.count
      if actual == size { return view }
      padding += size - actual
    }
  }

  /// A config update signed by `signers`, as the data of a message.
  package static func signedUpdate(
    _ update: [UInt8], by signers: [TestIdentity]
  ) throws -> Common_ConfigUpdateEnvelope {
    var signed = Common_ConfigUpdateEnvelope()
    signed.configUpdate = Data(update)
    for signer in signers {
      let header: [UInt8] = try signatureHeader(signer).serializedBytes()
      var signature = Common_ConfigSignature()
      signature.signatureHeader = Data(header)
      signature.signature = Data(try signer.sign([header[...], update[...]]))
      signed.signatures.append(signature)
    }
    return signed
  }

  /// A CONFIG_UPDATE message.
  package static func update(
    _ channelID: String, _ update: Common_ConfigUpdate, by signers: [TestIdentity],
    submitter: TestIdentity
  ) throws -> EnvelopeView {
    try EnvelopeView(
      try message(
        channelID, submitter,
        try signedUpdate(try update.serializedBytes(), by: signers).serializedBytes(),
        type: .configUpdate))
  }
}
