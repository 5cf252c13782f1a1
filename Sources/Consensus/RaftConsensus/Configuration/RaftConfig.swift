// What a channel's configuration says about Raft: which nodes order it, and with which options.

import ChannelConfig
import FabricProtos

/// The metadata of the consensus type `etcdraft` (Fabric: `etcdraft.ConfigMetadata`).
package struct RaftConfig: Sendable, Equatable {
  /// The consensus type in a channel's configuration.
  package static let type = "etcdraft"

  /// The consenters in the order of the configuration, which decides nothing but where their ids stand.
  package let consenters: [Etcdraft_Consenter]
  /// nil if there are none, which no valid configuration has.
  private let rawOptions: Etcdraft_Options?

  /// - Throws: ``InvalidRaftConfig`` if the bytes are no such message. What it says is not checked.
  package init(serialized bytes: [UInt8]) throws(InvalidRaftConfig) {
    let message: Etcdraft_ConfigMetadata
    do { message = try Etcdraft_ConfigMetadata(serializedBytes: bytes) } catch {
      throw InvalidRaftConfig("the etcdraft metadata configuration is not a valid protobuf message")
    }
    self.init(message)
  }

  package init(_ message: Etcdraft_ConfigMetadata) {
    consenters = message.consenters
    rawOptions = message.hasOptions ? message.options : nil
  }

  /// The options.
  ///
  /// - Throws: ``InvalidRaftConfig`` if there are none or they cannot be used.
  package var options: RaftOptions {
    get throws(InvalidRaftConfig) {
      guard let rawOptions else { throw InvalidRaftConfig("nil Raft config metadata options") }
      return try RaftOptions(rawOptions)
    }
  }

  /// The name by which messages call a consenter.
  package static func name(_ consenter: Etcdraft_Consenter) -> String {
    "\(consenter.host):\(consenter.port)"
  }
}
