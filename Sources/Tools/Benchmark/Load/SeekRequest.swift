// What a reader asks Deliver for.

import FabricCrypto
import FabricProtos
import Foundation
import Membership

/// Which blocks to read.
enum SeekRange: Sendable {
  /// The newest block.
  case newest
  /// From the beginning up to this one.
  case upTo(UInt64)
  /// From this one on, for as long as blocks come.
  case from(UInt64)
}

/// Makes Deliver requests.
struct SeekRequest {
  let channel: String
  let client: ClientIdentity
  /// SHA-256 of the TLS client certificate, which an orderer with mutual TLS wants to see here.
  let tlsCertificateHash: [UInt8]
  /// Seconds since 1970; orderers refuse requests that are much older or newer.
  let seconds: Int64

  /// A signed envelope.
  func envelope(_ range: SeekRange) throws -> [UInt8] {
    var seek = Orderer_SeekInfo()
    switch range {
    case .newest:
      seek.start.newest = Orderer_SeekNewest()
      seek.stop.newest = Orderer_SeekNewest()
    case .upTo(let number):
      seek.start.specified.number = 0
      seek.stop.specified.number = number
    case .from(let number):
      seek.start.specified.number = number
      seek.stop.specified.number = .max
    }
    var channelHeader = Common_ChannelHeader()
    channelHeader.type = Int32(Common_HeaderType.deliverSeekInfo.rawValue)
    channelHeader.timestamp.seconds = seconds
    channelHeader.channelID = channel
    channelHeader.tlsCertHash = Data(tlsCertificateHash)
    return try client.envelope(
      channelHeader, data: try seek.serializedBytes(), nonce: Nonce.random())
  }
}
