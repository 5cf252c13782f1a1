// The sample configuration and the script that makes its organization work together.

import ChannelConfig
import FabricProtos
import Foundation
import Membership
import Policies
import Testing

@testable import GenesisProfiles

/// A folder like `sampleconfig` after `examples/new-msp.sh`; removed at the end.
private final class SampleFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "heddle-sample-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: TestData.path("sampleconfig/configtx.yaml"), toPath: path + "/configtx.yaml")
    let output = try Self.run([path])
    try #require(output.status == 0, "new-msp.sh failed: \(output.text)")
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  static func run(_ arguments: [String]) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [TestData.path("examples/new-msp.sh")] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }

  static var hasOpenSSL: Bool {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/openssl") }
  }

  func channel(_ profile: String) throws -> ConfigBundle {
    let document = try ProfileDocument(contentsOf: path + "/configtx.yaml")
    let block = try GenesisBlockFactory.block(
      profile: try document.profile(profile), channelID: "sample", now: Date())
    return try ConfigBundle(channelID: "sample", config: try block.configuration().config)
  }
}

@Suite("The sample configuration")
struct SampleConfigurationTests {
  static let profiles = [
    "SampleSingleMSPSolo", "SampleSingleMSPKafka", "SampleDevModeSolo", "SampleDevModeKafka",
    "SampleInsecureSolo", "SampleInsecureKafka", "SampleSingleMSPChannel",
  ]

  @Test("It has the profiles that Fabric's orderer knows by name, and causes no warnings")
  func names() throws {
    let document = try ProfileDocument(contentsOf: TestData.path("sampleconfig/configtx.yaml"))
    #expect(Set(document.names) == Set(Self.profiles))
    #expect(document.warnings.isEmpty)
    for name in document.names { #expect(try document.profile(name).warnings.isEmpty) }
    #expect(try document.profile("SampleInsecureKafka").orderer?.type.name == "kafka")
  }

  @Test(
    "A fresh organization's client may write, its admin may configure, and a stranger may neither",
    .enabled(if: SampleFolder.hasOpenSSL))
  func policies() throws {
    let folder = try SampleFolder()
    let stranger = try SampleFolder()
    let node = try LocalMSP(
      directory: folder.path + "/msp", mspID: "SampleOrg", keyStoreDirectory: nil, now: Date())
    func sign(_ folder: SampleFolder, _ user: String) throws -> SignedData {
      let msp = try LocalMSP(
        directory: folder.path + "/users/\(user)/msp", mspID: "SampleOrg", keyStoreDirectory: nil,
        now: Date())
      let message = Array("message".utf8)
      return SignedData(
        data: [message[...]], identity: msp.signer.serializedIdentity[...],
        signature: try msp.signer.sign([message[...]])[...])
    }
    let client = try sign(folder, "client")
    let admin = try sign(folder, "admin")
    let other = try sign(stranger, "admin")
    var forged = client
    forged.signature = admin.signature

    func allows(_ channel: ConfigBundle, _ policy: String, _ data: SignedData) -> Bool {
      guard let policy = channel.policyManager.policy(policy) else { return false }
      do {
        try policy.evaluate([data])
        return true
      } catch {
        return false
      }
    }
    let single = try folder.channel("SampleSingleMSPSolo")
    for policy in ["/Channel/Writers", "/Channel/Readers"] {
      #expect(allows(single, policy, client))
      #expect(allows(single, policy, admin))
      #expect(!allows(single, policy, other))
      #expect(!allows(single, policy, forged))
    }
    #expect(allows(single, "/Channel/Orderer/Admins", admin))
    #expect(!allows(single, "/Channel/Orderer/Admins", client))
    let development = try folder.channel("SampleDevModeSolo")
    #expect(allows(development, "/Channel/Orderer/Admins", client))
    #expect(!allows(development, "/Channel/Orderer/Admins", other))
    let insecure = try folder.channel("SampleInsecureSolo")
    #expect(allows(insecure, "/Channel/Writers", other))
    #expect(node.msp.identifier == "SampleOrg")
  }

  @Test(
    "A signed channel creation is signed twice by its creator",
    .enabled(if: SampleFolder.hasOpenSSL))
  func signedCreation() throws {
    let folder = try SampleFolder()
    let admin = try LocalMSP(
      directory: folder.path + "/users/admin/msp", mspID: "SampleOrg", keyStoreDirectory: nil,
      now: Date())
    let document = try ProfileDocument(contentsOf: folder.path + "/configtx.yaml")
    let envelope = try ChannelCreation.transaction(
      profile: try document.profile("SampleSingleMSPChannel"), channelID: "new",
      systemChannel: try document.profile("SampleSingleMSPSolo"), timestamp: 7,
      signer: admin.signer)
    let identity = admin.signer.identity
    #expect(
      identity.verify(
        message: Array(envelope.payload)[...], signature: Array(envelope.signature)[...]))
    let payload = try Common_Payload(serializedBytes: envelope.payload)
    let update = try Common_ConfigUpdateEnvelope(serializedBytes: payload.data)
    let signature = try #require(update.signatures.first)
    #expect(
      identity.verify(
        message: Array(signature.signatureHeader + update.configUpdate)[...],
        signature: Array(signature.signature)[...]))
    let nonces = try [signature.signatureHeader, payload.header.signatureHeader].map {
      try Common_SignatureHeader(serializedBytes: $0).nonce
    }
    #expect(nonces[0] != nonces[1])
    #expect(nonces.allSatisfy { $0.count == 24 })
  }

  @Test("The script refuses to replace an organization, and names that break certificates")
  func scriptErrors() throws {
    let folder = NSTemporaryDirectory() + "heddle-script-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(
      atPath: folder + "/msp", withIntermediateDirectories: true)
    let second = try SampleFolder.run([folder])
    #expect(second.status != 0)
    #expect(second.text.contains("\(folder)/msp is there already") || !SampleFolder.hasOpenSSL)
    for name in ["a/b", "", "x\ny", String(repeating: "a", count: 51)] {
      #expect(try SampleFolder.run([folder + "/other", name]).status != 0)
    }
    #expect(try SampleFolder.run([folder + "/other", "Org", "bad host"]).status != 0)
    #expect(!FileManager.default.fileExists(atPath: folder + "/other"))
  }
}
