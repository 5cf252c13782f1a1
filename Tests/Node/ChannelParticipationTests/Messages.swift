// Messages that are, or are not, config updates.

import FabricProtos
import Foundation
import ProcessingFixtures

@testable import ChannelParticipation

extension Requests {
  /// An envelope that claims to update a channel's configuration.
  ///
  /// - Parameter data: What is in it in place of an update.
  static func configUpdate(_ channelID: String, data: [UInt8]? = nil) throws -> [UInt8] {
    let update = try Common_ConfigUpdate.with { $0.channelID = channelID }.serializedData() as Data
    let signed: [UInt8] = try Common_ConfigUpdateEnvelope.with { $0.configUpdate = update }
      .serializedBytes()
    return try envelope(channelID, .configUpdate, data ?? signed)
  }

  /// A transaction.
  static func message(_ channelID: String) throws -> [UInt8] {
    try envelope(channelID, .endorserTransaction, [1])
  }

  private static func envelope(
    _ channelID: String, _ type: Common_HeaderType, _ data: [UInt8]
  ) throws -> [UInt8] {
    let header =
      try Common_ChannelHeader.with {
        $0.type = Int32(type.rawValue)
        $0.channelID = channelID
      }.serializedData() as Data
    let payload =
      try Common_Payload.with {
        $0.header.channelHeader = header
        $0.data = Data(data)
      }.serializedData() as Data
    return try Common_Envelope.with { $0.payload = payload }.serializedBytes()
  }
}
