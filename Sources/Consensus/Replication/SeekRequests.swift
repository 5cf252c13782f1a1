// The requests that this node sends to the Deliver service of others, signed by its local MSP.

import FabricCrypto
import FabricProtos
import Foundation
import Membership
import SwiftProtobuf

/// Makes seek requests, each for the connection on which it goes out.
package struct SeekRequests: Sendable {
  private let signer: any Signer
  private let now: @Sendable () -> Date

  /// - Parameter signer: The node's own identity.
  package init(signer: any Signer, now: @escaping @Sendable () -> Date) {
    self.signer = signer
    self.now = now
  }

  /// Asks for the newest block, which tells the height. Orderers that know how leave the data of a normal block out.
  func newest(of channelID: String, for connection: any DeliverConnection) throws -> [UInt8] {
    var seek = Self.seek(from: .with { $0.newest = Orderer_SeekNewest() })
    seek.contentType = .headerWithSig
    return try envelope(channelID, seek, connection)
  }

  /// Asks for a block and all that follow, also those that do not exist yet.
  func blocks(
    of channelID: String, from number: UInt64, for connection: any DeliverConnection
  ) throws -> [UInt8] {
    try envelope(channelID, Self.seek(from: Self.position(number)), connection)
  }

  /// Asks for one block that exists.
  func block(
    _ number: UInt64, of channelID: String, for connection: any DeliverConnection
  ) throws -> [UInt8] {
    var seek = Self.seek(from: Self.position(number))
    seek.stop = Self.position(number)
    seek.behavior = .failIfNotReady
    return try envelope(channelID, seek, connection)
  }

  private static func position(_ number: UInt64) -> Orderer_SeekPosition {
    .with { $0.specified.number = number }
  }

  private static func seek(from start: Orderer_SeekPosition) -> Orderer_SeekInfo {
    .with {
      $0.start = start
      $0.stop = position(.max)
      $0.behavior = .blockUntilReady
      $0.errorResponse = .bestEffort
    }
  }

  private func envelope(
    _ channelID: String, _ seek: Orderer_SeekInfo, _ connection: any DeliverConnection
  ) throws -> [UInt8] {
    let channelHeader = Common_ChannelHeader.with {
      $0.type = Int32(Common_HeaderType.deliverSeekInfo.rawValue)
      $0.channelID = channelID
      $0.timestamp = Google_Protobuf_Timestamp(date: now())
      $0.tlsCertHash = Data(connection.tlsCertificateHash)
    }
    return try signer.envelope(
      channelHeader, data: try seek.serializedBytes(), nonce: Nonce.random())
  }
}
