// MSP folders: the same bytes as Fabric's tools make of them, and errors that say which folder is meant.

import FabricCrypto
import FabricProtos
import Foundation
import Testing

@testable import Membership

@Suite struct MSPDirectoryTests {
  /// The MSP definitions inside of a genesis block that Fabric's configtxgen made.
  static func definitions(_ block: String) throws -> [String: Msp_MSPConfig] {
    let block = try Common_Block(serializedBytes: Fixtures.bytes("blocks/\(block)"))
    let data = try #require(block.data.data.first)
    let payload = try Common_Payload(
      serializedBytes: Common_Envelope(serializedBytes: data).payload)
    let config = try Common_ConfigEnvelope(serializedBytes: payload.data)
    var found: [String: Msp_MSPConfig] = [:]
    func visit(_ group: Common_ConfigGroup) throws {
      if let value = group.values["MSP"] {
        let definition = try Msp_MSPConfig(serializedBytes: value.value)
        let name = try Msp_FabricMSPConfig(serializedBytes: definition.config).name
        found[name] = definition
      }
      for child in group.groups.values { try visit(child) }
    }
    try visit(config.config.channelGroup)
    return found
  }

  @Test(arguments: [
    "system-solo-v20.block", "system-solo-v14.block", "system-kafka-v14.block",
    "system-kafka-v20.block", "app-raft-v20.block", "app-bft-v30.block",
  ])
  func `a folder becomes byte for byte what configtxgen makes of it`(block: String) throws {
    let definitions = try Self.definitions(block)
    #expect(definitions.count > 1)
    for (name, definition) in definitions {
      let organization = name.dropLast(3).lowercased() + ".test"
      let ours = try MSPDirectory.verifyingConfig(
        directory: Fixtures.path("crypto/\(organization)/msp"), mspID: name)
      #expect(ours.config == definition.config, "\(name) in \(block)")
      #expect(try ours.serializedData() == definition.serializedData())
      for version in [MSPVersion.v1_3, .v1_4_3] {
        let msp = try? MSP(config: definition, version: version)
        #expect(msp != nil, "\(name)")
        #expect(msp?.tlsRootCertificates.count == 1)
      }
    }
  }

  @Test func `files come in the order of their bytes, folders and other files are passed over`()
    throws
  {
    let folder = try TestFolder.copy("crypto/org1.test/msp")
    defer { folder.remove() }
    let ca = try Fixtures.bytes("crypto/org1.test/ca/cert.pem")
    let other = try Fixtures.bytes("crypto/org2.test/ca/cert.pem")
    try folder.write("cacerts/Z.pem", other)
    try folder.write("cacerts/..data/x.pem", other)
    try folder.write("cacerts/readme.txt", Array("nothing".utf8))
    var notices: [String] = []
    let config = try Msp_FabricMSPConfig(
      serializedBytes: MSPDirectory.verifyingConfig(
        directory: folder.path, mspID: "X", notices: &notices
      ).config)
    #expect(config.rootCerts == [Data(other), Data(ca)])
    #expect(notices.count == 1 && notices.first?.contains("readme.txt") == true)
  }

  @Test func `organizational units need their certificates, NodeOUs do without`() throws {
    let folder = try TestFolder.copy("crypto/org1.test/msp")
    defer { folder.remove() }
    try folder.write(
      "config.yaml",
      Array(
        """
        OrganizationalUnitIdentifiers:
          - Certificate: cacerts/ca.org1.test-cert.pem
            OrganizationalUnitIdentifier: sales
        NodeOUs:
          Enable: true
          Unknown: 1
          ClientOUIdentifier: {OrganizationalUnitIdentifier: client}
          PeerOUIdentifier: {OrganizationalUnitIdentifier: peer, Certificate: missing.pem}
          AdminOUIdentifier: {OrganizationalUnitIdentifier: admin}
          OrdererOUIdentifier: {}
        """.utf8))
    var notices: [String] = []
    let config = try Msp_FabricMSPConfig(
      serializedBytes: MSPDirectory.verifyingConfig(
        directory: folder.path, mspID: "X", notices: &notices
      ).config)
    #expect(config.organizationalUnitIdentifiers.map(\.organizationalUnitIdentifier) == ["sales"])
    #expect(config.fabricNodeOus.hasClientOuIdentifier)
    #expect(config.fabricNodeOus.peerOuIdentifier.certificate.isEmpty)
    #expect(!config.fabricNodeOus.hasOrdererOuIdentifier)
    #expect(notices.count == 1 && notices.first?.contains("missing.pem") == true)

    try folder.write(
      "config.yaml",
      Array(
        "OrganizationalUnitIdentifiers: [{Certificate: gone.pem, OrganizationalUnitIdentifier: a}]"
          .utf8))
    let message = failure {
      try MSPDirectory.verifyingConfig(directory: folder.path, mspID: "X")
    }
    #expect(message.contains("gone.pem") && message.contains(folder.path))

    try folder.write(
      "config.yaml", Array("OrganizationalUnitIdentifiers: {Certificate: gone.pem}".utf8))
    let noList = failure { try MSPDirectory.verifyingConfig(directory: folder.path, mspID: "X") }
    #expect(noList.contains("must be a list"))
  }

  @Test func `an empty config.yaml is none, a garbage one is an error`() throws {
    let folder = try TestFolder.copy("crypto/org1.test/msp")
    defer { folder.remove() }
    for nothing in ["", "# nothing\n", "---\n"] {
      try folder.write("config.yaml", Array(nothing.utf8))
      let config = try Msp_FabricMSPConfig(
        serializedBytes: MSPDirectory.verifyingConfig(directory: folder.path, mspID: "X").config)
      #expect(!config.hasFabricNodeOus)
    }
    for garbage in [
      "NodeOUs: [", "NodeOUs: 7", "NodeOUs: {Enable: maybe}", "NodeOUs: {Enable: 1}", "\u{1}",
      "NodeOUs: {Enable: false}\nNodeOUs: {Enable: true}",
    ] {
      try folder.write("config.yaml", Array(garbage.utf8))
      let message = failure {
        try MSPDirectory.verifyingConfig(directory: folder.path, mspID: "X")
      }
      #expect(message.contains("config.yaml") && message.contains("msp"), "\(message)")
      #expect(!message.contains("\n"))
    }
  }

  @Test func `missing and empty folders are named`() throws {
    let message = failure {
      try MSPDirectory.verifyingConfig(directory: "/nowhere/x", mspID: "SomeMSP")
    }
    #expect(message.contains("/nowhere/x") && message.contains("msp"))
    let folder = try TestFolder.copy("crypto/org1.test/msp")
    defer { folder.remove() }
    try folder.write("cacerts/ca.org1.test-cert.pem", Array("garbage".utf8))
    #expect(
      failure { try MSPDirectory.verifyingConfig(directory: folder.path, mspID: "X") }
        .contains("cacerts"))
    try folder.delete("cacerts")
    #expect(
      failure { try MSPDirectory.verifyingConfig(directory: folder.path, mspID: "X") }
        .contains("cacerts"))
  }
}

/// A folder that a test may spoil.
struct TestFolder {
  let path: String

  static func copy(_ fixture: String) throws -> TestFolder {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("heddle-msp-\(UUID().uuidString)").path
    try FileManager.default.copyItem(atPath: Fixtures.path(fixture), toPath: path)
    return TestFolder(path: path)
  }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let file = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
  }

  func delete(_ name: String) throws {
    try FileManager.default.removeItem(atPath: path + "/" + name)
  }

  func rename(_ name: String, to other: String) throws {
    try FileManager.default.moveItem(atPath: path + "/" + name, toPath: path + "/" + other)
  }

  func remove() {
    try? FileManager.default.removeItem(atPath: path)
  }
}
