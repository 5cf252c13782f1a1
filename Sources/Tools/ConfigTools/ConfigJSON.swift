// Configurations and the messages around them as JSON, in the shape that configtxlator prints.

import FabricProtos
import GoText

/// Renders serialized messages as JSON (Fabric: `configtxlator proto_decode`, fabric-config's
/// protolator).
///
/// Every field is shown, also those with default values; bytes that hold a message are shown as that
/// message, other bytes in base 64. Where configtxlator gives up, because it does not know a value or
/// the options of a consenter, the bytes are shown.
package enum ConfigJSON {
  /// A `common.Block`.
  package static func block(_ bytes: [UInt8]) throws(ConfigToolsError) -> JSONValue {
    try render(bytes, block)
  }

  /// A `common.Envelope`, such as a channel-creation transaction.
  package static func envelope(_ bytes: [UInt8]) throws(ConfigToolsError) -> JSONValue {
    try render(bytes, envelope)
  }

  /// A `common.Config`.
  package static func config(_ bytes: [UInt8]) throws(ConfigToolsError) -> JSONValue {
    try render(bytes, config)
  }

  /// A `common.ConfigUpdate`.
  package static func configUpdate(_ bytes: [UInt8]) throws(ConfigToolsError) -> JSONValue {
    try render(bytes, configUpdate)
  }

  private static func render(
    _ bytes: [UInt8], _ renderer: WireMessage.Renderer
  ) throws(ConfigToolsError) -> JSONValue {
    try renderer(try WireMessage(bytes, path: ""))
  }

  // MARK: Blocks and envelopes

  static func block(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "header": try message.message(1, "header") { header throws(ConfigToolsError) in
        .object([
          "number": header.uint64(1), "previous_hash": header.bytes(2),
          "data_hash": header.bytes(3),
        ])
      },
      "data": try message.message(2, "data") { data throws(ConfigToolsError) in
        .object(["data": try data.messages(1, "data", envelope)])
      },
      "metadata": try message.message(3, "metadata") { metadata throws(ConfigToolsError) in
        .object(["metadata": metadata.byteStrings(1)])
      },
    ])
  }

  static func envelope(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "payload": try message.opaque(1, "payload", payload), "signature": message.bytes(2),
    ])
  }

  static func payload(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    let header = try message.message(1, "header")
    let type = try header?.message(1, "channel_header")?.rawInt32(1)
    return .object([
      "header": try header.map(self.header) ?? .null,
      "data": try message.opaque(2, "data", type.flatMap(payloadData)),
    ])
  }

  private static func payloadData(_ type: Int32) -> WireMessage.Renderer? {
    switch Common_HeaderType(rawValue: Int(type)) {
    case .config: configEnvelope
    case .configUpdate: configUpdateEnvelope
    case .ordererTransaction: envelope
    case .message: configValue(nil)
    default: nil
    }
  }

  private static func header(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "channel_header": try message.opaque(1, "channel_header", channelHeader),
      "signature_header": try message.opaque(2, "signature_header", signatureHeader),
    ])
  }

  private static func channelHeader(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "type": message.int32(1), "version": message.int32(2),
      "timestamp": try message.message(3, "timestamp", timestamp),
      "channel_id": try message.string(4), "tx_id": try message.string(5),
      "epoch": message.uint64(6), "extension": try message.opaque(7, "extension", nil),
      "tls_cert_hash": message.bytes(8),
    ])
  }

  static func signatureHeader(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "creator": try message.opaque(1, "creator", serializedIdentity), "nonce": message.bytes(2),
    ])
  }

  static func serializedIdentity(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object(["mspid": try message.string(1), "id_bytes": message.bytes(2)])
  }

  private static func timestamp(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .string(
      try TimestampText.text(
        UnixTime(seconds: message.rawInt64(1), nanoseconds: message.rawInt32(2)),
        path: message.path))
  }

  // MARK: Configurations

  static func configEnvelope(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "config": try message.message(1, "config", config),
      "last_update": try message.message(2, "last_update", envelope),
    ])
  }

  static func config(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "sequence": message.uint64(1),
      "channel_group": try message.message(2, "channel_group", GroupRole.channel.group),
    ])
  }

  static func configUpdateEnvelope(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "config_update": try message.opaque(1, "config_update", configUpdate),
      "signatures": try message.messages(2, "signatures") { signature throws(ConfigToolsError) in
        .object([
          "signature_header": try signature.opaque(1, "signature_header", signatureHeader),
          "signature": signature.bytes(2),
        ])
      },
    ])
  }

  static func configUpdate(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "channel_id": try message.string(1),
      "read_set": try message.message(2, "read_set", GroupRole.channel.group),
      "write_set": try message.message(3, "write_set", GroupRole.channel.group),
      "isolated_data": try message.bytesMap(5, "isolated_data"),
    ])
  }

  /// A renderer of a `common.ConfigValue` whose value is a message that `content` renders.
  static func configValue(_ content: WireMessage.Renderer?) -> WireMessage.Renderer {
    { message throws(ConfigToolsError) in
      .object([
        "version": message.uint64(1),
        // A value of an unknown kind is shown as its bytes.
        "value": content == nil
          ? message.bytes(2) : try message.opaque(2, "value", content),
        "mod_policy": try message.string(3),
      ])
    }
  }
}
