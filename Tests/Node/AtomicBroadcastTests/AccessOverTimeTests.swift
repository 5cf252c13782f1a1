// What becomes of clients when the configuration changes under them.

import FabricProtos
import Foundation
import Multichannel
import Ordering
import SwiftProtobuf
import Testing

@testable import AtomicBroadcast

@Suite struct AccessOverTimeTests {
  /// A change after which Org2's user may neither read nor write, and what it is called.
  struct Change: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let apply: @Sendable (inout Common_ConfigGroup) throws -> Void
  }

  static let changes = [
    Change(testDescription: "organization removed") { root in
      root.change("Application") { $0.groups["Org2"] = nil }
    },
    Change(testDescription: "certificate revoked") { root in
      try root.change("Application") { application in
        try application.change("Org2") { organization in
          guard var value = organization.values["MSP"] else { return }
          var config = try Msp_MSPConfig(serializedBytes: value.value)
          var msp = try Msp_FabricMSPConfig(serializedBytes: config.config)
          msp.revocationList = [try RevokedUser.list()]
          config.config = try msp.serializedData()
          value.value = try config.serializedData()
          organization.values["MSP"] = value
        }
      }
    },
    Change(testDescription: "policies tightened") { root in
      try root.setPolicy("Readers", .any, "Admins")
      try root.setPolicy("Writers", .any, "Admins")
    },
    Change(testDescription: "organization's policies tightened") { root in
      root.change("Application") { application in
        application.change("Org2") { organization in
          let admins = organization.policies["Admins"]?.policy ?? Common_Policy()
          for name in ["Readers", "Writers"] { organization.policies[name]?.policy = admins }
        }
      }
    },
    Change(testDescription: "maintenance mode") { root in
      try root.change("Orderer") { orderer in
        let consensus = Orderer_ConsensusType.with {
          $0.type = "solo"
          $0.state = .maintenance
        }
        orderer.values["ConsensusType"]?.value = try consensus.serializedData()
      }
    },
  ]

  private func user(_ number: Int) throws -> Client {
    try Client("Org\(number)MSP", "org\(number).test", "user1")
  }

  @Test(arguments: changes)
  func aRunningDeliverEndsAtTheBlockThatTakesTheRightAway(_ change: Change) async throws {
    let world = try await ApplicationWorld()
    let stream = FakeStream()
    stream.push([try user(2).seek(.oldest, .number(99), channel: ApplicationWorld.channelID)])
    let reader = Task { try await world.world.deliver.handle(stream) }
    // A change that leaves the right alone does not end the stream.
    try await world.update { root in
      try root.change("Orderer") { orderer in
        let timeout = Orderer_BatchTimeout.with { $0.timeout = "3s" }
        orderer.values["BatchTimeout"]?.value = try timeout.serializedData()
      }
    }
    await stream.waitForMessages(2)
    try await world.update(change.apply)
    try await reader.value
    #expect(try stream.delivered.numbers == [0, 1], "the block itself is not delivered any more")
    #expect(try stream.delivered.status == .forbidden)
    let again = try await world.world.request(
      user(2).seek(.oldest, .newest, channel: ApplicationWorld.channelID))
    #expect(again.status == .forbidden)
    #expect(again.numbers.isEmpty)
  }

  @Test(arguments: changes)
  func aBroadcastStreamNoticesThatItsRightIsGone(_ change: Change) async throws {
    let world = try await ApplicationWorld()
    let client = try user(2)
    let stream = FakeStream()
    let session = Task { try await world.world.broadcast.handle(stream) }
    stream.push([try client.envelope(channel: ApplicationWorld.channelID)])
    await stream.waitForMessages(1)
    let channel = try world.channel
    _ = await channel.tip.wait(beyond: 1, heedsErrors: true)
    try await world.update(change.apply)
    stream.push([try client.envelope(channel: ApplicationWorld.channelID)])
    stream.finish()
    try await session.value
    let refusal: Common_Status =
      change.testDescription == "maintenance mode" ? .serviceUnavailable : .forbidden
    #expect(try stream.statuses == [.success, refusal])
    await world.world.registrar.halt()
    #expect(channel.tip.height == 3, "the refused message is in no block")
  }

  @Test func theOthersGoOn() async throws {
    let world = try await ApplicationWorld()
    let stream = FakeStream()
    stream.push([try user(1).seek(.oldest, .number(2), channel: ApplicationWorld.channelID)])
    let reader = Task { try await world.world.deliver.handle(stream) }
    for change in Self.changes.prefix(1) { try await world.update(change.apply) }
    let statuses = try await world.world.send([
      user(1).envelope(channel: ApplicationWorld.channelID)
    ])
    #expect(statuses == [.success])
    stream.finish()
    try await reader.value
    #expect(try stream.delivered.numbers == [0, 1, 2])
    #expect(try stream.delivered.status == .success)
  }

  /// Messages that were accepted, but reach the chain after the update that forbids them.
  @Test func messagesThatTheNewConfigForbidsAreInNoBlock() async throws {
    let world = try await ApplicationWorld()
    let channel = try world.channel
    let message = try EnvelopeView(user(2).envelope(channel: ApplicationWorld.channelID))
    let update = try EnvelopeView(
      world.updateEnvelope { root in root.change("Application") { $0.groups["Org2"] = nil } })
    let sequence = try channel.processor.processNormal(message)
    let config = try channel.processor.processConfigUpdate(update)
    let configured = await channel.configure(
      OrderedMessage(
        envelope: try EnvelopeView(config.configEnvelope), configSequence: config.sequence,
        isConfig: true))
    let ordered = await channel.order([
      OrderedMessage(envelope: message, configSequence: sequence, isConfig: false)
    ])
    #expect(configured == .taken)
    #expect(ordered == .all(.taken))
    let survivor = try user(1).envelope(channel: ApplicationWorld.channelID)
    #expect(try await world.world.send([survivor]) == [.success])
    await world.world.registrar.halt()
    #expect(channel.tip.height == 3)
    let block = try await channel.blocks(from: 2, count: 1, bytes: 1, contentType: .block)[0]
    let found = try Common_Block(serializedBytes: Array(block.readableBytesView))
    #expect(found.data.data.map { [UInt8]($0) } == [survivor])
  }
}

/// The revocation list of Org2's authority that names `user1`.
enum RevokedUser {
  static func list() throws -> Data {
    Data(try Fixture.bytes("recorded/org2-user1.crl.pem"))
  }
}
