// Decoding the layers of messages around configs and config updates.

import FabricProtos
import Foundation
import SwiftProtobuf

/// Decoders whose errors say which layer is broken.
enum ConfigMessages {
  static func decode<M: Message>(
    _ type: M.Type, _ bytes: Data, _ name: String
  ) throws(ConfigError) -> M {
    do { return try M(serializedBytes: bytes) } catch {
      throw ConfigError(.malformed, "failed to unmarshal \(name): \(error)")
    }
  }

  static func envelope(_ bytes: [UInt8]) throws(ConfigError) -> Common_Envelope {
    do { return try Common_Envelope(serializedBytes: bytes) } catch {
      throw ConfigError(.malformed, "failed to unmarshal envelope: \(error)")
    }
  }

  static func payload(of envelope: Common_Envelope) throws(ConfigError) -> Common_Payload {
    try decode(Common_Payload.self, envelope.payload, "payload from envelope")
  }

  static func channelHeader(of payload: Common_Payload) throws(ConfigError) -> Common_ChannelHeader
  {
    guard payload.hasHeader else {
      throw ConfigError(.malformed, "envelope must have a Header")
    }
    return try decode(
      Common_ChannelHeader.self, payload.header.channelHeader, "channel header")
  }

  /// The update in an envelope of type CONFIG_UPDATE. Fabric: `EnvelopeToConfigUpdate`.
  static func configUpdateEnvelope(
    _ envelope: Common_Envelope
  ) throws(ConfigError) -> Common_ConfigUpdateEnvelope {
    let payload = try payload(of: envelope)
    let header = try channelHeader(of: payload)
    let expected = Common_HeaderType.configUpdate
    guard header.type == Int32(expected.rawValue) else {
      throw ConfigError(
        .malformed, "invalid type \(header.type), expected CONFIG_UPDATE (\(expected.rawValue))")
    }
    return try decode(
      Common_ConfigUpdateEnvelope.self, payload.data, "message for type CONFIG_UPDATE")
  }
}
