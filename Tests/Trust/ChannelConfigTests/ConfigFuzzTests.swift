// Broken updates and configs: whatever arrives is judged, and nothing crashes.

import FabricProtos
import Foundation
import TestSupport
import Testing

@testable import ChannelConfig

@Suite("Bytes that were damaged on their way", .heavy)
struct ConfigFuzzTests {
  /// How many cases each test tries; HEDDLE_FUZZ_CASES asks for another number.
  static let cases =
    ProcessInfo.processInfo.environment["HEDDLE_FUZZ_CASES"].flatMap { Int($0) } ?? 5_000

  static let seed =
    ProcessInfo.processInfo.environment["HEDDLE_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

  /// Flips, drops, doubles or replaces a few bytes.
  static func damage(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var result = bytes
    for _ in 0...Int.random(in: 0...2, using: &random) {
      guard !result.isEmpty else { break }
      let position = Int.random(in: 0..<result.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: result[position] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: result[position] = UInt8.random(in: 0...255, using: &random)
      case 2: result.remove(at: position)
      case 3: result.insert(UInt8.random(in: 0...255, using: &random), at: position)
      case 4: result.removeSubrange(position...)
      default:
        let end = min(position + Int.random(in: 1..<64, using: &random), result.count)
        result.insert(contentsOf: result[position..<end], at: position)
      }
    }
    return result
  }

  @Test("are judged as an update without harm, and never accepted unsigned")
  func survivesUpdates() throws {
    var random = SplitMix64(seed: Self.seed)
    let bundle = try Fixtures.bundle()
    let update = try bundle.update {
      $0["Orderer"].values["BatchTimeout"]?.value = Data([10, 2, 50, 115])
      $0["Application"].groups["Org2"] = nil
      $0.modPolicy = "/Channel/Admins"
    }
    let bytes = try update.deterministicBytes()
    let user = try Fixtures.user("orderer/admin")
    let whole = try update.envelope(signedBy: allAdmins)
    for number in 0..<Self.cases {
      let envelope: [UInt8]
      if number % 2 == 0 {
        envelope = Self.damage(whole, &random)
      } else {
        // Signing takes long, so most of the time nobody signs the damage within.
        envelope = try signedEnvelope(
          Self.damage(bytes, &random), channelID: bundle.channelID,
          users: number % 32 == 1 ? [user] : [])
      }
      guard let result = try? bundle.proposeConfigUpdate(envelope: envelope) else { continue }
      #expect(number % 2 == 0 || number % 32 == 1, "case \(number) of seed \(Self.seed)")
      try bundle.validate(result)
      _ = try? ConfigBundle(channelID: bundle.channelID, config: result.config)
    }
  }

  @Test("are judged as a config without harm")
  func survivesConfigs() throws {
    var random = SplitMix64(seed: Self.seed)
    let whole = try Fixtures.envelope(Fixtures.raft)
    for _ in 0..<max(Self.cases / 10, 1) {
      guard let bundle = try? ConfigBundle(configEnvelope: Self.damage(whole, &random)) else {
        continue
      }
      _ = try? bundle.checkCapabilitiesSupported()
      _ = try bundle.config.deterministicBytes()
    }
  }

  @Test("within values and policies are judged as a config without harm")
  func survivesValues() throws {
    var random = SplitMix64(seed: Self.seed)
    let bundle = try Fixtures.bundle()
    for _ in 0..<max(Self.cases / 10, 1) {
      var config = bundle.config
      Self.damageSomewhere(&config.channelGroup, &random)
      guard let next = try? ConfigBundle(channelID: bundle.channelID, config: config) else {
        continue
      }
      try? bundle.validateNext(next)
    }
  }

  static func damageSomewhere(_ group: inout Common_ConfigGroup, _ random: inout SplitMix64) {
    if Bool.random(using: &random),
      let name = group.groups.keys.sorted().randomElement(using: &random),
      var child = group.groups[name]
    {
      damageSomewhere(&child, &random)
      group.groups[name] = child
    } else if Bool.random(using: &random),
      let name = group.values.keys.sorted().randomElement(using: &random),
      var value = group.values[name]
    {
      value.value = Data(damage(Array(value.value), &random))
      group.values[name] = value
    } else if let name = group.policies.keys.sorted().randomElement(using: &random),
      var policy = group.policies[name]
    {
      policy.policy.value = Data(damage(Array(policy.policy.value), &random))
      group.policies[name] = policy
    }
  }
}
