// A config update in a file, in whichever of its layers it is.

import FabricProtos
import Foundation
import Storage

/// Reads an update: the signed envelope that is handed in, the update with its signatures, or the bare update that
/// `configtxlator compute_update` writes.
package struct UpdateFile: Sendable {
  /// The largest file that is read, in bytes: no message may be larger.
  package static let maximumSize = 100 << 20

  /// The channel whose configuration it changes.
  package let channelID: String
  /// The serialized envelope of type CONFIG_UPDATE.
  package let envelope: [UInt8]
  /// Whether the envelope was there, with the signature of whoever hands it in.
  package let isSubmitted: Bool

  /// - Throws: ``UpdateCheckError`` if there is no such file, it is too large, or it holds no update.
  package init(path: String) throws(UpdateCheckError) {
    let bytes: [UInt8]
    do {
      bytes = try BoundedFile.read(path, limit: Self.maximumSize)
    } catch .tooLarge(_, _, let limit) {
      throw UpdateCheckError("\(path) is larger than \(limit) bytes, which no message is")
    } catch {
      throw UpdateCheckError("\(path) cannot be read: \(error.reason)")
    }
    do throws(UpdateCheckError) { try self.init(bytes) } catch {
      throw UpdateCheckError("\(path) \(error)")
    }
  }

  /// - Throws: ``UpdateCheckError``
  package init(_ bytes: [UInt8]) throws(UpdateCheckError) {
    if let channelID = Self.channelID(ofEnvelope: bytes) {
      (envelope, isSubmitted, self.channelID) = (bytes, true, channelID)
      return
    }
    let update: Common_ConfigUpdateEnvelope
    if let signed = try? Common_ConfigUpdateEnvelope(serializedBytes: bytes),
      Self.channelID(of: signed.configUpdate) != nil
    {
      update = signed
    } else {
      update = Common_ConfigUpdateEnvelope.with { $0.configUpdate = Data(bytes) }
    }
    guard let channelID = Self.channelID(of: update.configUpdate) else {
      throw UpdateCheckError(
        "holds no config update: neither an envelope of type CONFIG_UPDATE nor a ConfigUpdate")
    }
    (isSubmitted, self.channelID) = (false, channelID)
    do { envelope = try Self.wrap(update, channelID) } catch {
      throw UpdateCheckError("holds an update that cannot be serialized: \(error)")
    }
  }

  private static func channelID(ofEnvelope bytes: [UInt8]) -> String? {
    guard let view = try? EnvelopeView(bytes),
      view.headerType == Int32(Common_HeaderType.configUpdate.rawValue),
      let signed = try? Common_ConfigUpdateEnvelope(serializedBytes: Array(view.data))
    else { return nil }
    return channelID(of: signed.configUpdate)
  }

  private static func channelID(of bytes: Data) -> String? {
    guard let update = try? Common_ConfigUpdate(serializedBytes: bytes), update.hasWriteSet,
      !update.channelID.isEmpty
    else { return nil }
    return update.channelID
  }

  /// The envelope around an update that nobody hands in yet.
  private static func wrap(
    _ update: Common_ConfigUpdateEnvelope, _ channelID: String
  ) throws -> [UInt8] {
    let header = Common_ChannelHeader.with {
      $0.type = Int32(Common_HeaderType.configUpdate.rawValue)
      $0.channelID = channelID
    }
    let payload = try Common_Payload.with {
      $0.header.channelHeader = try header.serializedData()
      $0.header.signatureHeader = Data()
      $0.data = try update.serializedData()
    }
    return try Common_Envelope.with { $0.payload = try payload.serializedData() }.serializedBytes()
  }
}

/// An update cannot be checked at all.
package struct UpdateCheckError: Error, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
