// By what a message is recognized in a block.

import FabricProtos
import Ordering

/// What is the same of a message when a client hands it in and when it is in a block.
///
/// A leader makes the config message anew if the configuration has changed since; the update in it stays.
struct MessageKey: Hashable, Sendable {
  /// The end of an envelope is its signature, which differs for any two messages.
  private static let hashedSize = 32

  /// The envelope, or that of the update.
  private let bytes: [UInt8]

  init(_ message: OrderedMessage) {
    self.init(message.envelope.bytes, isConfig: message.isConfig)
  }

  /// - Parameters:
  ///   - entry: A serialized envelope.
  ///   - isConfig: Whether it holds a CONFIG message.
  init(_ entry: [UInt8], isConfig: Bool) {
    guard isConfig, let envelope = try? EnvelopeView(entry),
      let config = try? Common_ConfigEnvelope(serializedBytes: Array(envelope.data)),
      let update: [UInt8] = try? config.lastUpdate.serializedBytes()
    else {
      bytes = entry
      return
    }
    bytes = update
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(bytes.count)
    bytes.suffix(Self.hashedSize).withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}
