// What the parts of a channel share.

import ChannelConfig
import FabricProtos
import Foundation
import Logging
import Membership
import SoloConsensus
import Testing

@testable import Multichannel

@Suite struct ChannelResourcesHolderTests {
  private func bundle(_ change: (inout Common_Config) -> Void = { _ in }) throws -> ConfigBundle {
    let block = try RegistrarTests.genesis("system-solo-v20")
    let current = try ConfigBundle(configEnvelope: block.data[0])
    var config = current.config
    change(&config)
    return try ConfigBundle(channelID: current.channelID, config: config)
  }

  private func holder(_ bundle: ConfigBundle) throws -> ChannelResourcesHolder {
    let local = try LocalMSP(
      directory: "\(RegistrarTests.fixtures)/crypto/orderer.test/nodes/node1/msp",
      mspID: "OrdererMSP", now: Date())
    return ChannelResourcesHolder(
      bundle: bundle, signer: local.signer,
      consenter: SoloConsenter(time: .system, logger: Logger(label: "test")),
      observer: { _ in })
  }

  @Test func aConfigThatDoesNotFollowIsRefused() throws {
    let first = try bundle()
    let holder = try holder(first)
    #expect(throws: ConfigError.self) { try holder.update(bundle { $0.sequence += 2 }) }
    #expect(holder.bundle === first)
  }
}
