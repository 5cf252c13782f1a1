// Where the test data is, and short ways to read it.

import FabricProtos
import Foundation
import TestSupport
import Testing

@testable import GenesisProfiles

enum TestData {
  /// The repository's root folder.
  static let root = Repository.root
  static func path(_ relative: String) -> String { root.appendingPathComponent(relative).path }

  static func fixture(_ relative: String) throws -> [UInt8] {
    Array(try Data(contentsOf: root.appendingPathComponent("Tests/Fixtures/" + relative)))
  }

  /// The configtx.yaml that the fixture blocks were made from by Fabric's own tools.
  static func document(_ folder: String = "configtx") throws -> ProfileDocument {
    try ProfileDocument(contentsOf: path("Tests/Fixtures/\(folder)/configtx.yaml"))
  }
}

/// The policies every channel of 2.x needs, as a YAML anchor.
let standardPolicies = """
  Channel: &Channel
    Policies: &Policies
      Readers: {Type: ImplicitMeta, Rule: "ANY Readers"}
      Writers: {Type: ImplicitMeta, Rule: "ANY Writers"}
      Admins: {Type: ImplicitMeta, Rule: "MAJORITY Admins"}
      BlockValidation: {Type: ImplicitMeta, Rule: "ANY Writers"}

  """

func document(
  _ yaml: String, environment: [String: String] = [:]
) throws(GenesisError) -> ProfileDocument {
  try ProfileDocument(
    yaml: yaml, directory: TestData.path("Tests/Fixtures/configtx"), environment: environment)
}

/// A profile `P` whose text is indented by four spaces.
func profile(
  _ text: String, environment: [String: String] = [:], dialect: ConfigtxDialect? = nil
) throws(GenesisError) -> Profile {
  try document(standardPolicies + "Profiles:\n  P:\n" + text, environment: environment)
    .profile("P", dialect: dialect)
}

/// The error that reading a profile, and making its channel group, ends with.
func failure(
  _ text: String, dialect: ConfigtxDialect? = nil, sourceLocation: SourceLocation = #_sourceLocation
) throws -> GenesisError {
  try #require(
    #expect(throws: GenesisError.self, sourceLocation: sourceLocation) {
      _ = try profile(text, dialect: dialect).channelGroup()
    }, sourceLocation: sourceLocation)
}

extension Block {
  /// The configuration and the headers of a config block.
  func configuration() throws -> (
    config: Common_Config, channelHeader: Common_ChannelHeader,
    signatureHeader: Common_SignatureHeader
  ) {
    let envelope = try Common_Envelope(serializedBytes: try #require(data.first))
    let payload = try Common_Payload(serializedBytes: envelope.payload)
    return (
      try Common_ConfigEnvelope(serializedBytes: payload.data).config,
      try Common_ChannelHeader(serializedBytes: payload.header.channelHeader),
      try Common_SignatureHeader(serializedBytes: payload.header.signatureHeader)
    )
  }
}
