// The values of channel, orderer and application groups as JSON.

extension ConfigJSON {
  /// `common.HashingAlgorithm` and `common.Consortium`.
  static func name(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object(["name": try message.string(1)])
  }

  static func hashingStructure(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object(["width": message.uint32(1)])
  }

  static func addresses(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object(["addresses": try message.strings(1)])
  }

  static func capabilities(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "capabilities": try message.map(1, "capabilities") { _, _ in .object([:]) }
    ])
  }

  /// `common.Orderers`, the consenters of BFT.
  static func orderers(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "consenter_mapping": try message.messages(1, "consenter_mapping") {
        consenter throws(ConfigToolsError) in
        .object([
          "id": consenter.uint32(1), "host": try consenter.string(2),
          "port": consenter.uint32(3), "msp_id": try consenter.string(4),
          "identity": consenter.bytes(5), "client_tls_cert": consenter.bytes(6),
          "server_tls_cert": consenter.bytes(7),
        ])
      }
    ])
  }

  static func consensusType(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    let options: WireMessage.Renderer? =
      switch message.rawString(1) {
      case "etcdraft": raftMetadata
      case "BFT": smartBFTOptions
      default: nil
      }
    return .object([
      "type": try message.string(1), "metadata": try message.opaque(2, "metadata", options),
      "state": message.enumeration(3, ["STATE_NORMAL", "STATE_MAINTENANCE"]),
    ])
  }

  private static func raftMetadata(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "consenters": try message.messages(1, "consenters") { consenter throws(ConfigToolsError) in
        .object([
          "host": try consenter.string(1), "port": consenter.uint32(2),
          "client_tls_cert": consenter.bytes(3), "server_tls_cert": consenter.bytes(4),
        ])
      },
      "options": try message.message(2, "options") { options throws(ConfigToolsError) in
        .object([
          "tick_interval": try options.string(1), "election_tick": options.uint32(2),
          "heartbeat_tick": options.uint32(3), "max_inflight_blocks": options.uint32(4),
          "snapshot_interval_size": options.uint32(5),
        ])
      },
    ])
  }

  private static func smartBFTOptions(
    _ message: WireMessage
  ) throws(ConfigToolsError) -> JSONValue {
    .object([
      "request_batch_max_count": message.uint64(1), "request_batch_max_bytes": message.uint64(2),
      "request_batch_max_interval": try message.string(3),
      "incoming_message_buffer_size": message.uint64(4), "request_pool_size": message.uint64(5),
      "request_forward_timeout": try message.string(6),
      "request_complain_timeout": try message.string(7),
      "request_auto_remove_timeout": try message.string(8),
      "request_max_bytes": message.uint64(9),
      "view_change_resend_interval": try message.string(10),
      "view_change_timeout": try message.string(11),
      "leader_heartbeat_timeout": try message.string(12),
      "leader_heartbeat_count": message.uint64(13), "collect_timeout": try message.string(14),
      "sync_on_start": message.bool(15), "speed_up_view_change": message.bool(16),
      "leader_rotation": message.enumeration(
        17, ["ROTATION_UNSPECIFIED", "ROTATION_OFF", "ROTATION_ON"]),
      "decisions_per_leader": message.uint64(18),
    ])
  }

  static func batchSize(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "max_message_count": message.uint32(1), "absolute_max_bytes": message.uint32(2),
      "preferred_max_bytes": message.uint32(3),
    ])
  }

  static func batchTimeout(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object(["timeout": try message.string(1)])
  }

  static func kafkaBrokers(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object(["brokers": try message.strings(1)])
  }

  static func channelRestrictions(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object(["max_count": message.uint64(1)])
  }

  static func acls(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "acls": try message.map(1, "acls") { _, resource throws(ConfigToolsError) in
        .object(["policy_ref": try resource.string(1)])
      }
    ])
  }

  static func anchorPeers(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "anchor_peers": try message.messages(1, "anchor_peers") { peer throws(ConfigToolsError) in
        .object(["host": try peer.string(1), "port": peer.int32(2)])
      }
    ])
  }
}
