// The configuration that a block holds.

import Blocks
import FabricProtos
import Storage

/// A channel's configuration, found in a block.
package struct ConfigBlock: Sendable {
  /// The largest file that is read as a block, in bytes.
  package static let maximumFileSize = 256 << 20

  /// The channel that the configuration is for; in a system channel's block that creates a channel,
  /// the new channel.
  package let channelID: String
  /// The number of the block.
  package let number: UInt64
  /// The serialized `common.Config`.
  package let config: [UInt8]

  /// Finds the configuration in a block.
  ///
  /// - Throws: ``ConfigToolsError`` if the block holds none.
  package init(_ block: Block) throws(ConfigToolsError) {
    let number = block.header.number
    guard let entry = block.data.first else {
      throw ConfigToolsError(
        "block \(number) holds no message; if this is a file, it may not be a block at all")
    }
    var envelope = try Self.envelope(entry, number)
    if case .channelCreation = BlockKind(holding: envelope) {
      envelope = try Self.envelope(Array(envelope.data), number)
    }
    guard case .configuration = BlockKind(holding: envelope) else {
      let place = (try? block.lastConfigIndex(channelID: envelope.channelID)).map {
        "; the newest one before it is in block \($0)"
      }
      throw ConfigToolsError(
        "block \(number) of channel \(envelope.channelID) holds no configuration\(place ?? "")")
    }
    let message = try WireMessage(Array(envelope.data), path: "block \(number)")
    guard message.has(1) else {
      throw ConfigToolsError("the CONFIG message in block \(number) has no configuration in it")
    }
    channelID = envelope.channelID
    self.number = number
    config = Array(message.rawBytes(1))
  }

  private static func envelope(
    _ bytes: [UInt8], _ number: UInt64
  ) throws(ConfigToolsError) -> EnvelopeView {
    do {
      return try EnvelopeView(bytes)
    } catch {
      throw ConfigToolsError("the first message of block \(number) is unusable: \(error)")
    }
  }

  /// Reads a file that holds a serialized `common.Block`, as `configtxgen`, `peer channel fetch` and
  /// `orderer genesis` write them.
  ///
  /// - Throws: ``ConfigToolsError`` if there is no such file, it is larger than
  ///   ``maximumFileSize``, or it holds no block.
  package static func readFile(_ path: String) throws(ConfigToolsError) -> Block {
    let bytes: [UInt8]
    do {
      bytes = try BoundedFile.read(path, limit: maximumFileSize)
    } catch .tooLarge(_, _, let limit) {
      throw ConfigToolsError("\(path) is larger than \(limit) bytes, which no block is")
    } catch {
      throw ConfigToolsError("\(path) cannot be read: \(error.reason)")
    }
    do {
      return try Block(serialized: bytes)
    } catch {
      throw ConfigToolsError("\(path) holds no block: \(error)")
    }
  }

  /// The configuration as JSON, in the shape of a `common.Config` from configtxlator.
  package func json() throws(ConfigToolsError) -> JSONValue { try ConfigJSON.config(config) }
}
