// New channels' configs, compared with what the Go orderers made of the same transactions.

import ChannelConfig
import FabricProtos
import Foundation
import MessageProcessing
import ProcessingFixtures
import SwiftProtobuf
import Testing

@testable import SystemChannel

@Suite struct RecordedCreationTests {
  /// One recording: `recorded/NAME.creation.tx` was sent to a Go orderer, which made the config
  /// `recorded/NAME.config` of it (serialized with sorted maps).
  struct Recording: Sendable, CustomTestStringConvertible {
    let name: String
    let style: Style
    /// How the system channel's genesis config differed from the fixture.
    let edit: @Sendable (inout Common_ConfigGroup) throws -> Void
    var testDescription: String { name }
  }

  static let recordings = [
    Recording(name: "go25-v20", style: .v20) { _ in },
    Recording(name: "go14-v14", style: .v14) { _ in },
    Recording(name: "go25-v20-old-tx", style: .v20) { _ in },
    Recording(name: "go25-v20-versions", style: .v20) { group in
      raiseVersions(&group)
      group[group: "Consortiums"][group: "SampleConsortium"][group: "Org1"].version = 7
      group[group: "Consortiums"][group: "SampleConsortium"][group: "Org1"].values["MSP"]?
        .version = 2
    },
    Recording(name: "go14-no-capability", style: .v14) { group in
      raiseVersions(&group)
      group.values["Capabilities"] = nil
      group[group: "Orderer"].values["Capabilities"] = nil
      group[group: "Orderer"][group: "OrdererOrg"].values["Endpoints"] = nil
      group[group: "Consortiums"][group: "SampleConsortium"].values["ChannelCreationPolicy"]?
        .value = try SignaturePolicies.anyMember(of: "Org1MSP").serializedData()
    },
  ]

  static func raiseVersions(_ group: inout Common_ConfigGroup) {
    group[group: "Orderer"].version = 3
    group[group: "Orderer"].values["BatchSize"]?.version = 2
    group[group: "Orderer"].policies["Writers"]?.version = 5
    group[group: "Orderer"][group: "OrdererOrg"].values["MSP"]?.version = 6
    group.values["Capabilities"]?.version = 4
    group.policies["Admins"]?.version = 1
  }

  @Test(arguments: recordings)
  func `a new channel's config is the one that the Go orderer makes`(recording: Recording) throws {
    let network = try TestNetwork(recording.style, edit: recording.edit)
    let creation = try EnvelopeView(try Fixtures.bytes("recorded/\(recording.name).creation.tx"))
    let made = try network.processor.processConfigUpdate(creation)
    let inner = try EnvelopeView(Array(try EnvelopeView(made.configEnvelope).data))
    let config = try Common_ConfigEnvelope(serializedBytes: Array(inner.data)).config
    let expected = try Fixtures.bytes("recorded/\(recording.name).config")
    #expect(config == (try Common_Config(serializedBytes: expected)))
    #expect(try config.deterministicBytes() == expected)
  }
}
