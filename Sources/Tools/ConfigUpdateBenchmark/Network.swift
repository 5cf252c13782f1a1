// A channel of many organizations, made for the occasion.

import ChannelConfig
import Crypto
import FabricCrypto
import FabricProtos
import Foundation
import Membership
import Policies
import SwiftASN1
import SwiftProtobuf
import X509

/// One organization: a certificate authority and an administrator.
struct Organization {
  let name: String
  let mspConfig: Msp_MSPConfig
  let admin: Data
  let key: FabricCrypto.ECDSAPrivateKey

  init(_ name: String) throws {
    self.name = name
    let authorityKey = P256.Signing.PrivateKey()
    let authorityName = try DistinguishedName { CommonName("ca.\(name)") }
    let authority = try Self.certificate(
      authorityKey.publicKey, subject: authorityName, issuer: authorityName, signer: authorityKey
    ) {
      Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
      Critical(KeyUsage(keyCertSign: true, cRLSign: true))
      SubjectKeyIdentifier(hash: Certificate.PublicKey(authorityKey.publicKey))
    }
    let adminKey = P256.Signing.PrivateKey()
    let subject = try DistinguishedName {
      OrganizationalUnitName("admin")
      CommonName("admin.\(name)")
    }
    let certificate = try Self.certificate(
      adminKey.publicKey, subject: subject, issuer: authorityName, signer: authorityKey
    ) {
      Critical(KeyUsage(digitalSignature: true))
    }
    let authorityPEM = Data(try authority.serializeAsPEM().pemString.utf8)
    mspConfig = try Self.mspConfig(name + "MSP", authorityPEM)
    admin = Data(
      SerializedIdentity.serialize(
        mspID: name + "MSP",
        certificatePEM: Array(try certificate.serializeAsPEM().pemString.utf8)))
    key = try FabricCrypto.ECDSAPrivateKey(pem: Array(adminKey.pemRepresentation.utf8))
  }

  private static func certificate(
    _ key: P256.Signing.PublicKey, subject: DistinguishedName, issuer: DistinguishedName,
    signer: P256.Signing.PrivateKey,
    @ExtensionsBuilder _ extensions: () throws -> Result<Certificate.Extensions, any Error>
  ) throws -> Certificate {
    try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key),
      notValidBefore: Date() - 3_600, notValidAfter: Date() + 86_400 * 3_650, issuer: issuer,
      subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions().get(),
      issuerPrivateKey: .init(signer))
  }

  private static func mspConfig(_ mspID: String, _ authority: Data) throws -> Msp_MSPConfig {
    func unit(_ name: String) -> Msp_FabricOUIdentifier {
      .with {
        $0.certificate = authority
        $0.organizationalUnitIdentifier = name
      }
    }
    let config = Msp_FabricMSPConfig.with {
      $0.name = mspID
      $0.rootCerts = [authority]
      $0.tlsRootCerts = [authority]
      $0.cryptoConfig.signatureHashFamily = "SHA2"
      $0.cryptoConfig.identityIdentifierHashFunction = "SHA256"
      $0.fabricNodeOus.enable = true
      $0.fabricNodeOus.clientOuIdentifier = unit("client")
      $0.fabricNodeOus.peerOuIdentifier = unit("peer")
      $0.fabricNodeOus.adminOuIdentifier = unit("admin")
      $0.fabricNodeOus.ordererOuIdentifier = unit("orderer")
    }
    let bytes: Data = try config.serializedData()
    return .with { $0.config = bytes }
  }

  /// The organization's group in a config.
  func group() throws -> Common_ConfigGroup {
    var group = Common_ConfigGroup()
    group.modPolicy = "Admins"
    group.values["MSP"] = try .holding(mspConfig)
    for (policy, rule) in [
      ("Readers", "OR('\(name)MSP.member')"), ("Writers", "OR('\(name)MSP.member')"),
      ("Admins", "OR('\(name)MSP.admin')"), ("Endorsement", "OR('\(name)MSP.peer')"),
    ] {
      let content: Data = try SignaturePolicyParser.parse(rule).serializedData()
      group.policies[policy] = .with {
        $0.modPolicy = "Admins"
        $0.policy.type = Int32(Common_Policy.PolicyType.signature.rawValue)
        $0.policy.value = content
      }
    }
    return group
  }
}

/// A channel and an update of it that most organizations have signed.
struct Network {
  static let channelID = "benchmark"

  let config: Common_Config
  /// The serialized CONFIG_UPDATE.
  let update: [UInt8]

  /// - Parameter count: How many organizations the channel's application has.
  init(organizations count: Int) throws {
    let orderer = try Organization("Orderer")
    let members = try (0..<count).map { try Organization("Org\($0)") }
    var root = Common_ConfigGroup()
    root.modPolicy = "Admins"
    try root.addPolicies([:])
    root.values["HashingAlgorithm"] = try .holding(
      Common_HashingAlgorithm.with { $0.name = "SHA256" })
    root.values["BlockDataHashingStructure"] = try .holding(
      Common_BlockDataHashingStructure.with { $0.width = .max })
    root.values["OrdererAddresses"] = try .holding(
      Common_OrdererAddresses.with { $0.addresses = ["orderer.test:7050"] })
    root.values["Capabilities"] = try .capabilities("V2_0")

    var ordererGroup = Common_ConfigGroup()
    ordererGroup.modPolicy = "Admins"
    try ordererGroup.addPolicies(["BlockValidation": (.any, "Writers")])
    ordererGroup.values["ConsensusType"] = try .holding(
      Orderer_ConsensusType.with { $0.type = "solo" })
    ordererGroup.values["BatchSize"] = try .holding(
      Orderer_BatchSize.with {
        $0.maxMessageCount = 500
        $0.absoluteMaxBytes = 10 << 20
        $0.preferredMaxBytes = 2 << 20
      })
    ordererGroup.values["BatchTimeout"] = try .holding(
      Orderer_BatchTimeout.with { $0.timeout = "2s" })
    ordererGroup.values["Capabilities"] = try .capabilities("V2_0")
    ordererGroup.groups["Orderer"] = try orderer.group()
    root.groups["Orderer"] = ordererGroup

    var application = Common_ConfigGroup()
    application.modPolicy = "Admins"
    try application.addPolicies(["Endorsement": (.majority, "Endorsement")])
    application.values["Capabilities"] = try .capabilities("V2_0")
    for member in members { application.groups[member.name] = try member.group() }
    root.groups["Application"] = application

    var config = Common_Config()
    config.channelGroup = root
    self.config = config
    update = try Self.update(of: config, signedBy: members)
  }

  /// One more organization joins, which needs most of those that are there.
  private static func update(
    of config: Common_Config, signedBy members: [Organization]
  ) throws -> [UInt8] {
    var next = config
    next.channelGroup.groups["Application"]?.groups["Newcomer"] =
      try Organization("Newcomer").group()
    let update = try ConfigUpdateBuilder.compute(
      channelID: channelID, original: config, updated: next)
    let bytes = try update.deterministicBytes()
    var signed = Common_ConfigUpdateEnvelope()
    signed.configUpdate = Data(bytes)
    for member in members.prefix(members.count / 2 + 1) {
      let header = Common_SignatureHeader.with {
        $0.creator = member.admin
        $0.nonce = Data(count: 24)
      }
      let headerBytes: [UInt8] = try header.serializedBytes()
      let signature = try member.key.sign([headerBytes[...], bytes[...]])
      signed.signatures.append(
        .with {
          $0.signatureHeader = Data(headerBytes)
          $0.signature = Data(signature)
        })
    }
    let channelHeader = Common_ChannelHeader.with {
      $0.type = Int32(Common_HeaderType.configUpdate.rawValue)
      $0.channelID = channelID
    }
    var payload = Common_Payload()
    payload.header.channelHeader = try channelHeader.serializedData()
    payload.data = try signed.serializedData()
    let payloadBytes: Data = try payload.serializedData()
    return try Common_Envelope.with { $0.payload = payloadBytes }.serializedBytes()
  }
}

extension Common_ConfigGroup {
  /// Adds the usual policies, and others.
  fileprivate mutating func addPolicies(
    _ others: [String: (Common_ImplicitMetaPolicy.Rule, String)]
  ) throws {
    let usual: [String: (Common_ImplicitMetaPolicy.Rule, String)] = [
      "Readers": (.any, "Readers"), "Writers": (.any, "Writers"), "Admins": (.majority, "Admins"),
    ]
    for (name, (rule, subPolicy)) in usual.merging(others, uniquingKeysWith: { $1 }) {
      let meta = Common_ImplicitMetaPolicy.with {
        $0.rule = rule
        $0.subPolicy = subPolicy
      }
      let content: Data = try meta.serializedData()
      policies[name] = .with {
        $0.modPolicy = "Admins"
        $0.policy.type = Int32(Common_Policy.PolicyType.implicitMeta.rawValue)
        $0.policy.value = content
      }
    }
  }
}

extension Common_ConfigValue {
  fileprivate static func holding(
    _ message: some SwiftProtobuf.Message
  ) throws -> Common_ConfigValue {
    let bytes = Data(try message.deterministicBytes())
    return .with {
      $0.value = bytes
      $0.modPolicy = "Admins"
    }
  }

  fileprivate static func capabilities(_ name: String) throws -> Common_ConfigValue {
    try holding(Common_Capabilities.with { $0.capabilities[name] = Common_Capability() })
  }
}
