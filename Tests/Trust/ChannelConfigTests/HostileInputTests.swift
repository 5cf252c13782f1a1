// Input that nobody sends by accident: huge, repeated, looped.

import FabricProtos
import Foundation
import SwiftProtobuf
import Testing

@testable import ChannelConfig

@Suite("Hostile input")
struct HostileInputTests {
  private func field(_ number: UInt64, _ content: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(content.count + 12)
    Varint.append(number << 3 | 2, to: &result)
    Varint.append(UInt64(content.count), to: &result)
    result += content
    return result
  }

  private func entry(_ key: String, _ value: [UInt8]) -> [UInt8] {
    field(1, Array(key.utf8)) + field(2, value)
  }

  /// Judges an update of the fixture channel whose write set has these bytes.
  private func refusal(writeSet: [UInt8], by signers: [String] = []) throws -> ConfigError? {
    let bundle = try Fixtures.bundle()
    // What is read and written at the same version is not changed.
    let readSet = field(2, entry("Orderer", []))
    let update =
      field(1, Array(bundle.channelID.utf8)) + field(2, readSet) + field(3, writeSet)
    let envelope = try signedEnvelope(
      update, channelID: bundle.channelID, users: signers.map { try Fixtures.user($0) })
    do throws(ConfigError) {
      let result = try bundle.proposeConfigUpdate(envelope: envelope)
      _ = try ConfigBundle(channelID: bundle.channelID, config: result.config)
      return nil
    } catch { return error }
  }

  /// The bytes of a changed BatchTimeout in a write set.
  private func batchTimeout(_ message: [UInt8]) -> [UInt8] {
    let value = [8, 1] + field(2, message) + field(3, Array("Admins".utf8))
    return field(2, entry("Orderer", field(3, entry("BatchTimeout", value))))
  }

  @Test("of 50 MB in one value is refused for the value")
  func judgesLargeValue() throws {
    let message = field(1, Array("x".utf8)) + field(900, [UInt8](repeating: 7, count: 50 << 20))
    let error = try refusal(writeSet: batchTimeout(message), by: ["orderer/admin"])
    #expect(error?.description.contains("batch timeout") == true)
  }

  @Test("of a long text is refused in few words")
  func boundsReasons() throws {
    let text = [UInt8](repeating: UInt8(ascii: "7"), count: 1 << 20)
    let error = try refusal(writeSet: batchTimeout(field(1, text)), by: ["orderer/admin"])
    #expect(error?.description.contains("batch timeout") == true)
    #expect(error?.description.utf8.count ?? 0 < 2 * ConfigError.maximumLength)
  }

  @Test("of 50 MB in small elements is refused for their number, before it is decoded")
  func boundsElements() throws {
    var writeSet = field(3, entry("value", [8, 1, 26, 1, 65]))
    while writeSet.count < 50 << 20 { writeSet += writeSet }
    let error = try refusal(writeSet: writeSet)
    #expect(error?.kind == .tooLarge)
  }

  @Test("with a very long key is refused for its name")
  func boundsNames() throws {
    let name = String(repeating: "n", count: 1 << 20)
    let error = try refusal(writeSet: field(3, entry(name, [8, 1])))
    #expect(error?.description.contains("cannot be longer than 249") == true)
  }

  @Test("with a group within itself, as far as a message can have that, is refused")
  func refusesLoops() throws {
    // The encoding makes groups a tree; what comes closest to a loop is a tree that repeats itself.
    let bundle = try Fixtures.bundle()
    let error = try bundle.refusal(
      bundle.update { root in
        let whole = root
        root.groups["Application"]?.groups["Channel"] = whole
      })
    #expect(error == nil, "the update itself is sound")
    #expect(throws: ConfigError.self) {
      try bundle.changed { root in
        let whole = root
        root.groups["Application"]?.groups["Channel"] = whole
      }
    }
    #expect(throws: ConfigError.self) {
      try bundle.changed { root in root.groups["Channel"] = root }
    }
  }

  @Test("with policies that ask each other finds nobody satisfied, and an end")
  func endsLoopsOfPolicies() throws {
    // An implicit-meta policy asks the groups below, so that a loop would need a group below itself;
    // mod policies that name each other are looked at for one step only.
    let bundle = try Fixtures.bundle().changed { root in
      root.groups["Application"]?.policies["Admins"]?.modPolicy = "Readers"
      root.groups["Application"]?.policies["Readers"]?.modPolicy = "Admins"
      var meta = Common_ImplicitMetaPolicy()
      meta.rule = .all
      meta.subPolicy = "Admins"
      root.groups["Application"]?.groups["Org1"]?.policies["Admins"]?.policy = try .with {
        $0.type = Int32(Common_Policy.PolicyType.implicitMeta.rawValue)
        $0.value = try meta.serializedData()
      }
    }
    let update = try bundle.update {
      $0.groups["Application"]?.policies["Admins"]?.modPolicy = "Writers"
    }
    #expect(try bundle.refusal(update, by: []) != nil)
  }

  @Test("with a key twice has the last of the two, as in Go")
  func takesLastOfDuplicates() throws {
    func value(_ version: UInt8, _ content: [UInt8]) -> [UInt8] {
      [8, version] + field(2, content) + field(3, Array("/Channel/Orderer/Admins".utf8))
    }
    func orderer(_ versions: [UInt8]) -> [UInt8] {
      var group: [UInt8] = []
      for version in versions {
        group += field(
          3, entry("BatchTimeout", value(version, field(1, Array("\(version)s".utf8)))))
      }
      return field(2, entry("Orderer", group))
    }
    #expect(try refusal(writeSet: orderer([9, 1]), by: allAdmins) == nil)
    #expect(try refusal(writeSet: orderer([1, 9]), by: allAdmins)?.kind == .stale)
  }

  @Test("with fields that nobody knows keeps them, in values and in groups")
  func keepsUnknownFields() throws {
    let bundle = try Fixtures.bundle()
    let unknown = field(900, [1, 2, 3])
    let timeout = field(1, Array("4s".utf8)) + unknown
    let value =
      [8, 1] + field(2, timeout) + field(3, Array("Admins".utf8)) + field(900, [4, 5, 6])
    let update =
      field(1, Array(bundle.channelID.utf8)) + field(2, field(2, entry("Orderer", [])))
      + field(3, field(2, entry("Orderer", field(3, entry("BatchTimeout", value)))))
    let envelope = try signedEnvelope(
      update, channelID: bundle.channelID, users: allAdmins.map { try Fixtures.user($0) })
    let result = try bundle.proposeConfigUpdate(envelope: envelope)
    let found = result.config.channelGroup["Orderer"].values["BatchTimeout"]
    #expect(found?.value == Data(timeout))
    let bytes: [UInt8] = try found?.serializedBytes() ?? []
    #expect(Data(bytes).range(of: Data(field(900, [4, 5, 6]))) != nil)
    #expect(try ConfigBundle(channelID: bundle.channelID, config: result.config).sequence == 1)
  }

  @Test("with certificates of an organization that are none leads to no config")
  func refusesCertificates() throws {
    let bundle = try Fixtures.bundle()
    let certificates: [Data] = [
      Data(), Data("-----BEGIN CERTIFICATE-----\n".utf8),
      Data("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8),
      Data(
        "-----BEGIN CERTIFICATE-----\n\(Data(count: 1 << 20).base64EncodedString())\n-----END CERTIFICATE-----\n"
          .utf8),
      // Sequences of undefined length, one in the other.
      Data(
        "-----BEGIN CERTIFICATE-----\n\(Data((0..<200_000).map { $0 % 2 == 0 ? 0x30 : 0x80 }).base64EncodedString())\n-----END CERTIFICATE-----\n"
          .utf8),
    ]
    for certificate in certificates {
      let update = try bundle.update { root in
        var organization = root["Application", "Org1"]
        var msp = try Msp_MSPConfig(
          serializedBytes: organization.values["MSP"]?.value ?? Data())
        var config = try Msp_FabricMSPConfig(serializedBytes: msp.config)
        config.rootCerts = [certificate]
        msp.config = try config.serializedData()
        try organization.setValue("MSP", msp)
        root["Application", "Org1"] = organization
      }
      let result = try bundle.proposeConfigUpdate(envelope: update.envelope(signedBy: allAdmins))
      #expect(throws: ConfigError.self) {
        try ConfigBundle(channelID: bundle.channelID, config: result.config)
      }
    }
  }
}
