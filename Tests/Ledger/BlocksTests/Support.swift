// What the tests of blocks share: the fixtures' nodes and channels, and blocks signed by them.

import BlockLedger
import ChannelConfig
import FabricProtos
import Foundation
import Membership
import TestSupport
import Testing

@testable import Blocks

enum Fixtures {
  static let folder = Repository.fixtures.path

  /// The genesis block of a recorded channel, e.g. `app-bft-v30`.
  static func genesis(_ name: String) throws -> Block {
    try Block(
      serialized: [UInt8](
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/blocks/\(name).block"))))
  }

  static func bundle(_ name: String) throws -> ConfigBundle {
    try ConfigBundle(configEnvelope: try #require(try genesis(name).data.first))
  }

  /// The identity of one of the four orderers, 1 to 4.
  static func signer(_ node: Int) throws -> SigningIdentity {
    try LocalMSP(
      directory: "\(folder)/crypto/orderer.test/nodes/node\(node)/msp", mspID: "OrdererMSP",
      now: Date()
    ).signer
  }
}

/// A serialized envelope of some type, without anything else in it.
func envelope(_ type: Common_HeaderType, _ data: [UInt8] = [1]) throws -> [UInt8] {
  var channelHeader = Common_ChannelHeader()
  channelHeader.type = Int32(type.rawValue)
  channelHeader.channelID = "one"
  var payload = Common_Payload()
  payload.header.channelHeader = try channelHeader.serializedData()
  payload.data = Data(data)
  var envelope = Common_Envelope()
  envelope.payload = try payload.serializedData()
  return try envelope.serializedBytes()
}
