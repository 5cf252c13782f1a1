// Reading whole configs: the fixtures as they are, and with one thing wrong.

import FabricProtos
import Foundation
import Membership
import Policies
import SwiftProtobuf
import Testing

@testable import ChannelConfig

@Suite("A config")
struct ConfigBundleTests {
  @Test("of every genesis block is read", arguments: Fixtures.blocks)
  func readsFixtures(block: String) throws {
    let bundle = try Fixtures.bundle(block)
    try bundle.checkCapabilitiesSupported()
    try bundle.validateNext(bundle)
    #expect(bundle.sequence == 0)
    #expect(bundle.policyManager.path == "/Channel")
    #expect(bundle.policyManager.policy(PolicyPath.blockValidation) != nil)
    #expect((bundle.consortiums != nil) == block.hasPrefix("system"))
    #expect((bundle.application != nil) == block.hasPrefix("app"))
  }

  @Test("has the values that configtx.yaml gave it")
  func readsValues() throws {
    let bundle = try Fixtures.bundle()
    #expect(bundle.channelID == "raftchannel")
    #expect(bundle.channel.hashingAlgorithm == .sha256)
    #expect(bundle.channel.blockDataHashingWidth == UInt32.max)
    #expect(bundle.channel.ordererAddresses == ["127.0.0.1:7050"])
    #expect(bundle.channel.capabilities.names == ["V2_0"])
    let orderer = try #require(bundle.orderer)
    #expect(orderer.consensusType == "etcdraft")
    #expect(orderer.consensusState == .normal)
    let metadata = try Etcdraft_ConfigMetadata(serializedBytes: orderer.consensusMetadata)
    #expect(metadata.consenters.map(\.port) == [7050, 7051, 7052])
    #expect(orderer.batchSize.maxMessageCount == 10)
    #expect(orderer.batchSize.absoluteMaxBytes == 256 * 1024)
    #expect(orderer.batchSize.preferredMaxBytes == 64 * 1024)
    #expect(orderer.batchTimeout == .milliseconds(300))
    #expect(orderer.maxChannelsCount == 0)
    #expect(orderer.organizations["OrdererOrg"]?.mspID == "OrdererMSP")
    #expect(orderer.organizations["OrdererOrg"]?.endpoints == ["127.0.0.1:7050"])
    let application = try #require(bundle.application)
    #expect(application.organizations.mapValues(\.mspID) == ["Org1": "Org1MSP", "Org2": "Org2MSP"])
    #expect(Set(bundle.mspManager.msps.keys) == ["OrdererMSP", "Org1MSP", "Org2MSP"])

    let kafka = try Fixtures.bundle(Fixtures.systemV20)
    #expect(kafka.orderer?.consensusType == "kafka")
    #expect(kafka.orderer?.kafkaBrokers == ["127.0.0.1:9092"])
    let consortium = try #require(kafka.consortiums?.consortiums["SampleConsortium"])
    #expect(consortium.organizations.count == 4)
    #expect(consortium.channelCreationPolicy.type == 3)

    let bft = try Fixtures.bundle(Fixtures.bft)
    #expect(bft.orderer?.consenters.count == 4)
    #expect(bft.channel.capabilities.consensusTypeBFT)
    #expect(bft.channel.ordererAddresses.isEmpty)
  }

  /// Why the config after `change` is refused.
  func refusal(
    _ block: String = Fixtures.raft, _ change: (inout Common_ConfigGroup) throws -> Void
  ) throws -> String? {
    let bundle = try Fixtures.bundle(block)
    return try ConfigError.thrown { _ = try bundle.changed(change) }?.description
  }

  @Test(
    "with a value of an unknown name is refused",
    arguments: [
      [], ["Orderer"], ["Application"], ["Orderer", "OrdererOrg"], ["Application", "Org1"],
    ])
  func refusesUnknownValue(path: [String]) throws {
    let text = try refusal {
      var group = path.reduce($0) { $0.groups[$1] ?? .init() }
      group.values["Surprise"] = Common_ConfigValue()
      switch path.count {
      case 0: $0 = group
      case 1: $0[path[0]] = group
      default: $0[path[0], path[1]] = group
      }
    }
    #expect(text?.hasSuffix("Unexpected key Surprise") == true, "\(text ?? "accepted")")
    #expect(text?.contains((["/Channel"] + path).joined(separator: "/")) == true)
  }

  @Test("with a value of the wrong kind is refused with its name")
  func refusesMalformedValue() throws {
    let text = try refusal { $0["Orderer"].values["BatchSize"]?.value = Data([0xFF]) }
    #expect(text?.contains("/Channel/Orderer: BatchSize is no valid orderer.BatchSize") == true)
    #expect(try refusal { $0.values["Capabilities"]?.value = Data([0x0A, 0x05]) } != nil)
    #expect(try refusal { $0["Application", "Org1"].values["MSP"]?.value = Data([1]) } != nil)
  }

  @Test(
    "with an impossible batch size is refused",
    arguments: [
      (0, 1, 1, "max message count to an invalid value: 0"),
      (1, 0, 1, "absolute max bytes to an invalid value: 0"),
      (1, 1, 0, "preferred max bytes to an invalid value: 0"),
      (1, 1, 2, "preferred max bytes (2) greater than the absolute max bytes (1)"),
    ] as [(UInt32, UInt32, UInt32, String)])
  func refusesBatchSize(count: UInt32, absolute: UInt32, preferred: UInt32, reason: String) throws {
    var size = Orderer_BatchSize()
    size.maxMessageCount = count
    size.absoluteMaxBytes = absolute
    size.preferredMaxBytes = preferred
    let text = try refusal { try $0["Orderer"].setValue("BatchSize", size) }
    #expect(text?.contains("Attempted to set the batch size " + reason) == true)
  }

  @Test(
    "with an impossible batch timeout is refused", arguments: ["", "1", "abc", "0s", "-1s", "0"])
  func refusesBatchTimeout(text: String) throws {
    var timeout = Orderer_BatchTimeout()
    timeout.timeout = text
    let reason = try refusal { try $0["Orderer"].setValue("BatchTimeout", timeout) }
    #expect(reason?.contains("Attempted to set the batch timeout to a") == true)
  }

  @Test("with a Kafka broker that is no address is refused")
  func refusesBrokers() throws {
    for good in ["kafka0:9092", "1.2.3.4:0", "a-b.c:65535", ":9092", "K:00080"] {
      #expect(OrdererGroupConfig.isBrokerAddress(good), "\(good)")
    }
    for bad in [
      "", "kafka0", "kafka0:", "kafka0:x", "kafka0:65536", "kafka0:-1", "kafka0:+1", "a:1:2",
      "-a:1", "a-:1", ".a:1", "a_b:1", "ä:1", "a :1", "a:1 ", "a:99999999999999999999",
    ] {
      #expect(!OrdererGroupConfig.isBrokerAddress(bad), "\(bad)")
    }
    var brokers = Orderer_KafkaBrokers()
    brokers.brokers = ["good:1", "bad"]
    let text = try refusal { try $0["Orderer"].setValue("KafkaBrokers", brokers) }
    #expect(text?.contains("Invalid broker entry: bad") == true)
  }

  @Test("names a hash function and a width that are supported")
  func checksHashing() throws {
    var algorithm = Common_HashingAlgorithm()
    algorithm.name = "MD5"
    #expect(
      try refusal { try $0.setValue("HashingAlgorithm", algorithm) }?
        .contains("Unknown hashing algorithm type: MD5") == true)
    algorithm.name = "SHA3_256"
    #expect(try refusal { try $0.setValue("HashingAlgorithm", algorithm) } == nil)
    #expect(try refusal { $0.values["HashingAlgorithm"] = nil } != nil)
    var hashing = Common_BlockDataHashingStructure()
    hashing.width = 1
    #expect(try refusal { try $0.setValue("BlockDataHashingStructure", hashing) } != nil)
  }

  @Test("has orderer addresses as its capabilities demand")
  func checksAddresses() throws {
    #expect(try refusal { $0.values["OrdererAddresses"] = nil } == nil, "V2_0 doesn't need them")
    let before142 = try refusal {
      $0.values["OrdererAddresses"] = nil
      $0["Orderer", "OrdererOrg"].values["Endpoints"] = nil
      try $0.setCapabilities(["V1_3"])
    }
    #expect(before142?.contains("Must set some OrdererAddresses") == true)
    let endpoints = try refusal { try $0.setCapabilities(["V1_3"]) }
    #expect(endpoints?.contains("cannot contain endpoints value until V1_4_2+") == true)

    var addresses = Common_OrdererAddresses()
    addresses.addresses = ["a:1"]
    let global = try refusal(Fixtures.bft) { try $0.setValue("OrdererAddresses", addresses) }
    #expect(global?.contains("not allowed with V3_0") == true)
    let silent = try refusal(Fixtures.bft) {
      let name = try #require($0["Orderer"].groups.keys.first)
      $0["Orderer", name].values["Endpoints"] = nil
    }
    #expect(silent?.contains("endpoints are empty") == true)
  }

  @Test("defines every MSP in one way only")
  func checksMSPs() throws {
    let same = try refusal {
      $0["Application", "Org9"] = $0["Application", "Org1"]
      $0["Orderer", "Org9"].values["MSP"] = $0["Application", "Org1"].values["MSP"]
    }
    #expect(same == nil, "the same definition may appear again")
    let different = try refusal {
      try $0["Application", "Org2"].setValue("MSP", try Fixtures.msp("org2", as: "Org1MSP"))
    }
    #expect(different?.contains("two different versions of MSP: Org1MSP") == true)
    #expect(try refusal { $0["Application", "Org2"].values["MSP"] = nil } != nil)
    var idemix = try Fixtures.msp("org2", as: "Org2MSP")
    idemix.type = 1
    let text = try refusal { try $0["Application", "Org2"].setValue("MSP", idemix) }
    #expect(text?.contains("/Channel/Application/Org2") == true)
  }

  @Test("has no groups where there must be none")
  func checksGroups() throws {
    #expect(
      try refusal { $0["Surprise"] = Common_ConfigGroup() }?
        .contains("Disallowed channel group: Surprise") == true)
    for path in [("Orderer", "OrdererOrg"), ("Application", "Org1")] {
      let text = try refusal { $0[path.0, path.1, "Sub"] = Common_ConfigGroup() }
      #expect(text?.contains("must not have sub-groups") == true)
    }
    #expect(
      try refusal(Fixtures.systemV14) {
        $0["Consortiums", "SampleConsortium", "Org1", "Sub"] = Common_ConfigGroup()
      } != nil)
  }

  @Test("may hold ACLs only with the capability")
  func checksACLs() throws {
    var acls = Protos_ACLs()
    acls.acls["relative"] = .with { $0.policyRef = "Readers" }
    acls.acls["absolute"] = .with { $0.policyRef = "/Channel/Writers" }
    acls.acls["empty"] = Protos_APIResource()
    let bundle = try Fixtures.bundle().changed { try $0["Application"].setValue("ACLs", acls) }
    #expect(
      bundle.application?.acls == [
        "relative": "/Channel/Application/Readers", "absolute": "/Channel/Writers",
      ])
    let text = try refusal {
      try $0["Application"].setValue("ACLs", acls)
      try $0["Application"].setCapabilities(["V1_1"])
    }
    #expect(text?.contains("ACLs may not be specified") == true)
  }

  @Test("lists anchor peers")
  func readsAnchorPeers() throws {
    var peers = Protos_AnchorPeers()
    peers.anchorPeers = [
      .with {
        $0.host = "peer0"
        $0.port = 7051
      }
    ]
    let bundle = try Fixtures.bundle().changed {
      try $0["Application", "Org1"].setValue("AnchorPeers", peers)
    }
    #expect(
      bundle.application?.organizations["Org1"]?.anchorPeers == [.init(host: "peer0", port: 7051)])
  }

  @Test("with a policy that does not compile is refused")
  func refusesPolicy() throws {
    let text = try refusal { $0["Application", "Org1"].policies["Admins"]?.policy.type = 9 }
    #expect(
      text
        == "initializing policymanager failed: policy Admins at path /Channel/Application/Org1 has "
        + "unknown policy type: 9")
  }

  @Test("tells which well-known policies it lacks")
  func namesMissingPolicies() throws {
    let bundle = try Fixtures.bundle()
    #expect(bundle.missingPolicies.isEmpty)
    let without = try bundle.changed {
      $0.policies["Readers"] = nil
      $0["Orderer"].policies["BlockValidation"] = nil
    }
    #expect(without.missingPolicies == ["/Channel/Readers", "/Channel/Orderer/BlockValidation"])
  }

  @Test("with an illegal name of an element or a channel is refused")
  func refusesNames() throws {
    let text = try refusal {
      $0["Application"].policies["bad name"] = $0["Application"].policies["Admins"]
    }
    #expect(text?.contains("'bad name' contains illegal characters") == true)
    let config = try Fixtures.bundle().config
    for name in ["", "Upper", "a/b"] {
      #expect(throws: ConfigError.self) { try ConfigBundle(channelID: name, config: config) }
    }
  }

  @Test("is not read beyond a depth and a size")
  func boundsSize() throws {
    var deep = Common_ConfigGroup()
    for _ in 0..<1_000 {
      var parent = Common_ConfigGroup()
      parent.groups["g"] = deep
      deep = parent
    }
    let tooDeep = try ConfigError.thrown {
      _ = try Fixtures.bundle().changed { $0["Application", "Org1"] = deep }
    }
    #expect(tooDeep?.kind == .tooLarge)

    let tooLarge = try ConfigError.thrown {
      _ = try Fixtures.bundle().changed {
        for index in 0...ConfigBundle.maximumElements {
          $0.values["v\(index)"] = Common_ConfigValue()
        }
      }
    }
    #expect(tooLarge?.kind == .tooLarge)
  }

  @Test("of 10,000 nested groups in an envelope is refused")
  func survivesDeepBytes() throws {
    #expect(throws: ConfigError.self) {
      try ConfigBundle(configEnvelope: try deepEnvelope(10_000))
    }
    #expect(throws: ConfigError.self) {
      try ConfigBundle(configEnvelope: try deepEnvelope(60))
    }
  }

  func deepEnvelope(_ depth: Int) throws -> [UInt8] {
    var payload = Common_Payload()
    payload.header.channelHeader = try Common_ChannelHeader.with { $0.channelID = "a" }
      .serializedData()
    payload.data = Data(lengthDelimited(1, lengthDelimited(2, nestedGroups(depth))))
    return try Common_Envelope.with { $0.payload = try payload.serializedData() }
      .serializedBytes()
  }

  @Test("that is missing or malformed at any layer of its envelope is refused")
  func refusesMalformedLayers() throws {
    let envelope = try Common_Envelope(serializedBytes: try Fixtures.envelope(Fixtures.raft))
    let payload = try Common_Payload(serializedBytes: envelope.payload)
    func refusal(_ payload: Common_Payload) throws -> ConfigError? {
      try ConfigError.thrown {
        _ = try ConfigBundle(
          configEnvelope: try Common_Envelope.with { $0.payload = try payload.serializedData() }
            .serializedBytes())
      }
    }
    #expect(try refusal(payload) == nil)
    var broken = payload
    broken.clearHeader()
    #expect(try refusal(broken)?.description == "envelope must have a Header")
    broken = payload
    broken.header.channelHeader = Data([0xFF])
    #expect(try refusal(broken)?.description.contains("channel header") == true)
    broken = payload
    broken.data = Data([0xFF])
    #expect(try refusal(broken)?.description.contains("config envelope") == true)
    broken = payload
    broken.data = Data()
    #expect(try refusal(broken)?.description.contains("cannot be nil") == true)
    broken = payload
    broken.data = try Common_ConfigEnvelope.with { $0.config = Common_Config() }.serializedData()
    #expect(try refusal(broken)?.description == "config must contain a channel group")
    for bytes in [[], [0xFF], [0x0A, 0x01, 0xFF]] as [[UInt8]] {
      #expect(throws: ConfigError.self) { try ConfigBundle(configEnvelope: bytes) }
    }
  }
}

/// A field of length-delimited kind.
func lengthDelimited(_ field: UInt8, _ content: [UInt8]) -> [UInt8] {
  var result = [field << 3 | 2]
  Varint.append(UInt64(content.count), to: &result)
  return result + content
}

/// The bytes of groups nested that deep, made without the objects they stand for.
func nestedGroups(_ depth: Int) -> [UInt8] {
  var group: [UInt8] = []
  for _ in 0..<depth {
    group = lengthDelimited(2, lengthDelimited(1, Array("g".utf8)) + lengthDelimited(2, group))
  }
  return group
}
