// What the solo consenter says of channels and their configurations.

import ChannelConfig
import Concurrency
import FabricProtos
import Foundation
import Logging
import Ordering
import Testing

@testable import SoloConsensus

@Suite struct SoloConsenterTests {
  private let consenter = SoloConsenter(
    time: ManualTime(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })

  /// The test channel's configuration, with another consensus type.
  private func bundle(_ type: String, metadata: [UInt8] = []) throws -> ConfigBundle {
    var config = try TestChannel().bundle.config
    var value = Orderer_ConsensusType()
    value.type = type
    value.metadata = Data(metadata)
    config.channelGroup.groups["Orderer"]?.values["ConsensusType"]?.value =
      try value.serializedData()
    return try ConfigBundle(channelID: "solo", config: config)
  }

  @Test func everyNodeIsAConsenterOfASoloChannelAndOfNoOther() throws {
    #expect(consenter.role(in: try bundle("solo")) == .consenter)
    #expect(consenter.role(in: try bundle("kafka")) == .neither)
  }

  /// As in Fabric, where a solo chain is no validator of metadata: also when the channel migrates.
  @Test(arguments: ["solo", "etcdraft"]) func everyChangeOfMetadataIsAccepted(to type: String)
    throws
  {
    let current = try #require(try bundle("solo").orderer)
    let next = try #require(try bundle(type, metadata: [1, 2, 3]).orderer)
    #expect(throws: Never.self) {
      try consenter.validate(
        ConsensusChange(channelID: "solo", current: current, next: next, isNewChannel: false))
    }
  }
}
