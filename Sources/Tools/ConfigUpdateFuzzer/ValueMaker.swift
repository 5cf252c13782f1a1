// Contents for config values: right ones, extreme ones, wrong ones.

import ChannelConfig
import FabricProtos
import Foundation
import SwiftProtobuf

enum ValueMaker {
  private static let durations = [
    "1s", "2s", "250ms", "0s", "-1s", "", "1", "999999999h", "1h2m3.5s", ".5s", "1ns",
    "9223372036s",
    "9223372037s", "1µs", "x", "1s ", "9e9s",
  ]
  private static let hosts = [
    "orderer.test:7050", "a:1", ":", "", "a:b:c", "[::1]:7050", "kafka0:9092", "-x:1", "x:65536",
    String(repeating: "h", count: 5_000) + ":1",
  ]
  private static let capabilityNames = [
    "V1_1", "V1_2", "V1_3", "V1_4_2", "V1_4_3", "V2_0", "V2_5", "V3_0", "V9_9", "",
  ]
  private static let numbers: [UInt32] = [0, 1, 2, 10, 512, 10 << 20, 99 << 20, .max - 1, .max]

  /// A content for the value called `name`.
  static func content(
    for name: String, replacing old: [UInt8], _ random: inout SeededRandom
  ) -> [UInt8] {
    switch random.below(10) {
    case 0: return random.bytes(upTo: 60)
    case 1: return []
    case 2, 3: return WireDamage.apply(to: old, &random)
    case 4 where random.chance(3): return [UInt8](repeating: 0x0A, count: 1 << 20)
    default:
      guard let message = message(for: name, replacing: old, &random),
        let bytes: [UInt8] = try? message.deterministicBytes()
      else { return WireDamage.apply(to: old, &random) }
      return bytes
    }
  }

  private static func message(
    for name: String, replacing old: [UInt8], _ random: inout SeededRandom
  ) -> (any SwiftProtobuf.Message)? {
    switch name {
    case ConfigKey.batchSize:
      return Orderer_BatchSize.with {
        $0.maxMessageCount = random.pick(numbers) ?? 1
        $0.absoluteMaxBytes = random.pick(numbers) ?? 1
        $0.preferredMaxBytes = random.pick(numbers) ?? 1
      }
    case ConfigKey.batchTimeout:
      return Orderer_BatchTimeout.with { $0.timeout = random.pick(durations) ?? "" }
    case ConfigKey.consensusType: return consensusType(old, &random)
    case ConfigKey.capabilities:
      return Common_Capabilities.with { message in
        for _ in 0..<random.below(4) {
          message.capabilities[random.pick(capabilityNames) ?? ""] = Common_Capability()
        }
      }
    case ConfigKey.ordererAddresses, ConfigKey.endpoints:
      return Common_OrdererAddresses.with { $0.addresses = list(hosts, &random) }
    case ConfigKey.kafkaBrokers:
      return Orderer_KafkaBrokers.with { $0.brokers = list(hosts, &random) }
    case ConfigKey.hashingAlgorithm:
      return Common_HashingAlgorithm.with {
        $0.name = random.pick(["SHA256", "SHA3_256", "MD5", ""]) ?? ""
      }
    case ConfigKey.blockDataHashingStructure:
      return Common_BlockDataHashingStructure.with { $0.width = random.pick(numbers) ?? 0 }
    case ConfigKey.channelRestrictions:
      return Orderer_ChannelRestrictions.with { $0.maxCount = random.next() }
    case ConfigKey.consortium:
      return Common_Consortium.with { $0.name = random.pick(["SampleConsortium", "", "x"]) ?? "" }
    case ConfigKey.anchorPeers:
      return Protos_AnchorPeers.with { message in
        message.anchorPeers = list(hosts, &random).map { host in
          Protos_AnchorPeer.with {
            $0.host = host
            $0.port = Int32(truncatingIfNeeded: host.utf8.count) - 3
          }
        }
      }
    case ConfigKey.acls:
      return Protos_ACLs.with { message in
        for host in list(hosts, &random) {
          message.acls[host] = Protos_APIResource.with {
            $0.policyRef = random.pick(["Admins", "/Channel/Readers", "", "/"]) ?? ""
          }
        }
      }
    case ConfigKey.channelCreationPolicy:
      return PolicyMaker.policy(replacing: Common_Policy(), &random)
    case ConfigKey.msp: return mspConfig(old, &random)
    default: return nil
    }
  }

  private static func list(_ elements: [String], _ random: inout SeededRandom) -> [String] {
    (0..<random.below(5)).compactMap { _ in random.pick(elements) }
  }

  private static func consensusType(
    _ old: [UInt8], _ random: inout SeededRandom
  ) -> Orderer_ConsensusType {
    var message = (try? Orderer_ConsensusType(serializedBytes: old)) ?? Orderer_ConsensusType()
    switch random.below(3) {
    case 0: message.type = random.pick(["solo", "kafka", "etcdraft", "BFT", "", "x"]) ?? ""
    case 1: message.state = random.pick([.normal, .maintenance, .UNRECOGNIZED(7)]) ?? .normal
    default: message.metadata = Data(WireDamage.apply(to: [UInt8](message.metadata), &random))
    }
    return message
  }

  /// A definition of an MSP with something changed: lists of certificates, a certificate's bytes, the
  /// names, the rules on organizational units.
  private static func mspConfig(_ old: [UInt8], _ random: inout SeededRandom) -> Msp_MSPConfig? {
    guard var message = try? Msp_MSPConfig(serializedBytes: old),
      var config = try? Msp_FabricMSPConfig(serializedBytes: message.config)
    else { return nil }
    switch random.below(10) {
    case 0: message.type = Int32(random.below(4)) - 1
    case 1: config.name = random.pick(["", "Org1MSP", "Org2MSP", "OrdererMSP", "x y"]) ?? ""
    case 2: config.rootCerts = damaged(config.rootCerts, &random)
    case 3: config.intermediateCerts = damaged(config.rootCerts, &random)
    case 4: config.admins = damaged(config.admins + config.rootCerts, &random)
    case 5: config.revocationList = damaged(config.revocationList + config.rootCerts, &random)
    case 6: config.tlsRootCerts = damaged(config.tlsRootCerts, &random)
    case 7: config.tlsIntermediateCerts = damaged(config.tlsRootCerts, &random)
    case 8:
      config.fabricNodeOus.enable.toggle()
      if random.chance(50) { config.fabricNodeOus.clearClientOuIdentifier() }
      if random.chance(30) {
        config.fabricNodeOus.peerOuIdentifier.certificate = Data(random.bytes(upTo: 30))
      }
    default: config.cryptoConfig.signatureHashFamily = random.pick(["SHA2", "SHA3", ""]) ?? ""
    }
    guard let bytes: Data = try? config.serializedData() else { return nil }
    message.config = bytes
    return message
  }

  private static func damaged(_ certificates: [Data], _ random: inout SeededRandom) -> [Data] {
    var result = certificates
    guard let index = result.indices.randomElement(using: &random) else { return result }
    switch random.below(4) {
    case 0: result.remove(at: index)
    case 1: result.append(result[index])
    case 2: result[index] = Data(WireDamage.plain([UInt8](result[index]), &random))
    default: result[index] = damagedCertificate(result[index], &random)
    }
    return result
  }

  /// A certificate whose PEM is sound and whose DER is not quite.
  private static func damagedCertificate(_ pem: Data, _ random: inout SeededRandom) -> Data {
    let lines = String(decoding: pem, as: UTF8.self).split(separator: "\n")
    guard lines.count > 2, let first = lines.first, let last = lines.last,
      let der = Data(base64Encoded: lines.dropFirst().dropLast().joined())
    else { return pem }
    let changed = Data(WireDamage.plain([UInt8](der), &random)).base64EncodedString()
    return Data("\(first)\n\(changed)\n\(last)\n".utf8)
  }
}
