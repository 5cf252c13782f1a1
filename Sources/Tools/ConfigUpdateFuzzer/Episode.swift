// A short history of one channel: updates, most of them odd, each applied to what came of those before.

import ChannelConfig
import FabricProtos
import Foundation
import SwiftProtobuf

/// A rule that the code under test has broken.
struct BrokenRule: Error, CustomStringConvertible {
  let description: String
}

/// How the cases of a run ended.
struct Tally {
  var cases = 0
  var refused = 0
  var accepted = 0
  /// Accepted updates whose result is a valid config, on which the next update was tried.
  var applied = 0

  static func += (left: inout Tally, right: Tally) {
    left.cases += right.cases
    left.refused += right.refused
    left.accepted += right.accepted
    left.applied += right.applied
  }
}

/// The cases of one seed. The same seed and number give the same cases.
struct Episode {
  /// How many cases one episode has at most.
  static let length = 25

  private let network: Network
  private var random: SeededRandom
  private var bundle: ConfigBundle
  /// Whether `bundle` is one of the fixtures, whose policies are known better.
  private var isOriginal = true

  init(_ network: Network, seed: UInt64, number: UInt64) {
    self.network = network
    random = SeededRandom(seed: seed, stream: number)
    bundle = network.channels[random.below(network.channels.count)]
  }

  /// Runs `count` cases.
  ///
  /// - Throws: ``BrokenRule``.
  mutating func run(_ count: Int) throws -> Tally {
    var tally = Tally()
    for _ in 0..<count {
      tally.cases += 1
      if random.chance(5) {
        judgeConfig()
        continue
      }
      let (envelope, signatures) = try makeUpdate()
      try judge(envelope, signatures: signatures, &tally)
    }
    return tally
  }

  /// A changed config that arrives as a whole, as in a block.
  private mutating func judgeConfig() {
    var config = bundle.config
    for _ in 0...random.below(4) { ConfigMutator.change(&config.channelGroup, &random) }
    guard let next = try? ConfigBundle(channelID: bundle.channelID, config: config) else { return }
    try? bundle.validateNext(next)
    try? next.checkCapabilitiesSupported()
  }

  private mutating func judge(
    _ envelope: [UInt8], signatures: Int, _ tally: inout Tally
  ) throws {
    let result: Common_ConfigEnvelope
    do {
      result = try bundle.proposeConfigUpdate(envelope: envelope)
    } catch {
      guard !error.description.isEmpty else {
        throw BrokenRule(description: "refused without a reason")
      }
      tally.refused += 1
      return
    }
    tally.accepted += 1
    let group = bundle.config.channelGroup
    let changes = result.config.channelGroup != group
    guard result.config.sequence == bundle.sequence + 1 else {
      throw BrokenRule(description: "the sequence does not follow")
    }
    if isOriginal, signatures == 0, changes {
      throw BrokenRule(description: "an update that nobody signed changes the config")
    }
    do {
      try bundle.validate(result)
    } catch { throw BrokenRule(description: "the result of an update does not validate: \(error)") }
    let bytes = try result.deterministicBytes()
    let again = try Common_ConfigEnvelope(serializedBytes: bytes)
    guard again == result, try again.deterministicBytes() == bytes else {
      throw BrokenRule(description: "the config does not survive its serialization")
    }
    guard let next = try? ConfigBundle(channelID: bundle.channelID, config: result.config),
      (try? bundle.validateNext(next)) != nil
    else { return }
    tally.applied += 1
    if changes, (try? next.proposeConfigUpdate(envelope: envelope)) != nil {
      throw BrokenRule(description: "an update is accepted twice")
    }
    try? next.checkCapabilitiesSupported()
    if random.chance(70) {
      bundle = next
      isOriginal = false
    }
  }

  // MARK: Making updates

  /// A serialized CONFIG_UPDATE and how many signatures it carries.
  private mutating func makeUpdate() throws -> ([UInt8], signatures: Int) {
    var config = bundle.config
    for _ in 0...(random.chance(60) ? 0 : random.below(4)) {
      ConfigMutator.change(&config.channelGroup, &random)
    }
    var update =
      (try? ConfigUpdateBuilder.compute(
        channelID: bundle.channelID, original: bundle.config, updated: config))
      ?? Common_ConfigUpdate.with {
        $0.channelID = bundle.channelID
        $0.writeSet = config.channelGroup
      }
    if random.chance(25) { damage(&update) }
    var bytes = try update.deterministicBytes()
    if random.chance(15) { bytes = WireDamage.apply(to: bytes, &random) }
    var signed = Common_ConfigUpdateEnvelope()
    signed.configUpdate = Data(bytes)
    for user in signers() { signed.signatures.append(try sign(bytes, user)) }
    if random.chance(5), !signed.signatures.isEmpty {
      let index = random.below(signed.signatures.count)
      signed.signatures[index].signatureHeader = Data(
        WireDamage.apply(to: [UInt8](signed.signatures[index].signatureHeader), &random))
    }
    return (try wrap(signed), signed.signatures.count)
  }

  private mutating func wrap(_ signed: Common_ConfigUpdateEnvelope) throws -> [UInt8] {
    var header = Common_ChannelHeader()
    header.type = Int32(Common_HeaderType.configUpdate.rawValue)
    if random.chance(2) { header.type = Int32(random.below(9)) }
    header.channelID = bundle.channelID
    var payload = Common_Payload()
    payload.header.channelHeader = try header.serializedData()
    payload.data = try signed.serializedData()
    var envelope = Common_Envelope()
    envelope.payload = try payload.serializedData()
    let bytes: [UInt8] = try envelope.serializedBytes()
    // Signatures differ in length from run to run, so only what bears none can be damaged in a
    // repeatable way.
    guard signed.signatures.isEmpty, random.chance(30) else { return bytes }
    return WireDamage.apply(to: bytes, &random)
  }

  private mutating func signers() -> [Network.User] {
    switch random.below(10) {
    case 0...5: return network.admins
    case 6: return []
    case 7: return network.admins.filter { _ in random.chance(50) }
    case 8: return network.others
    default: return network.admins + network.admins + network.others
    }
  }

  private mutating func sign(
    _ update: [UInt8], _ user: Network.User
  ) throws -> Common_ConfigSignature {
    let header = Common_SignatureHeader.with {
      $0.creator = Data(user.serialized)
      $0.nonce = Data(random.bytes(upTo: 24))
    }
    let bytes: [UInt8] = try header.serializedBytes()
    return try .with {
      $0.signatureHeader = Data(bytes)
      $0.signature = Data(try user.key.sign([bytes[...], update[...]]))
    }
  }

  /// Makes an update inconsistent.
  private mutating func damage(_ update: inout Common_ConfigUpdate) {
    switch random.below(8) {
    case 0: update.channelID = random.pick(["other", "", "UPPER", "é"]) ?? ""
    case 1: update.clearReadSet()
    case 2: update.clearWriteSet()
    case 3: (update.readSet, update.writeSet) = (update.writeSet, update.readSet)
    case 4: update.isolatedData["x"] = Data(random.bytes(upTo: 10))
    case 5: bumpVersion(&update.readSet)
    case 6: ConfigMutator.change(&update.readSet, &random)
    default: bumpVersion(&update.writeSet)
    }
  }

  private mutating func bumpVersion(_ group: inout Common_ConfigGroup) {
    if random.chance(60), let name = random.key(group.groups), var child = group.groups[name] {
      bumpVersion(&child)
      group.groups[name] = child
      return
    }
    let change = random.pick([1, 2, .max, 1 << 63] as [UInt64]) ?? 1
    switch random.below(3) {
    case 0: if let name = random.key(group.values) { group.values[name]?.version &+= change }
    case 1: if let name = random.key(group.policies) { group.policies[name]?.version &+= change }
    default: group.version &+= change
    }
  }
}
