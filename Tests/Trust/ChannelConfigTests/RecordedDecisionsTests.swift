// Whether configs and updates are accepted exactly where the Go implementation accepts them.

import FabricCrypto
import FabricProtos
import Foundation
import Testing

@testable import ChannelConfig

/// One decision of the Go implementation, a line of JSON each.
private struct RecordedDecision: Decodable {
  /// "bundle" if the config itself was refused, "update" if an update of it was judged.
  let kind: String
  let channel: String
  /// The current `common.Config`, in base 64.
  let config: String
  /// The `common.Envelope` of the update, in base 64.
  let update: String
  /// Whether the update was accepted.
  let isAccepted: Bool
  /// Why it was refused, or why the config was.
  let refusal: String
  /// SHA-256 of the resulting config serialized deterministically, in base 64.
  let result: String
  /// Why the resulting config was refused as the next one; empty if it was not.
  let successorRefusal: String

  enum CodingKeys: String, CodingKey {
    case kind = "Kind"
    case channel = "Channel"
    case config = "Config"
    case update = "Update"
    case isAccepted = "OK"
    case refusal = "Err"
    case result = "Result"
    case successorRefusal = "NextErr"
  }
}

@Suite("Recorded decisions of the Go implementation")
struct RecordedDecisionsTests {
  /// The record is large and made by a program that links the Go implementation; whoever has one
  /// names it in the environment.
  @Test(
    "are repeated",
    .enabled(if: ProcessInfo.processInfo.environment["HEDDLE_CONFIG_RECORD"] != nil))
  func repeats() throws {
    let path = try #require(ProcessInfo.processInfo.environment["HEDDLE_CONFIG_RECORD"])
    var counts: [String: Int] = [:]
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    for (number, line) in lines.enumerated() {
      let decision = try JSONDecoder().decode(RecordedDecision.self, from: Data(line.utf8))
      let outcome = try judge(decision)
      if outcome.hasPrefix("wrong") { print("line \(number + 1): \(outcome)") }
      counts[outcome, default: 0] += 1
    }
    print("recorded decisions: \(counts)")
  }

  private func judge(_ decision: RecordedDecision) throws -> String {
    let config = try Common_Config(
      serializedBytes: try #require(Data(base64Encoded: decision.config)))
    let bundle: ConfigBundle
    do throws(ConfigError) {
      bundle = try ConfigBundle(channelID: decision.channel, config: config)
      #expect(decision.kind == "update", "accepted a config that Go refuses: \(decision.refusal)")
      guard decision.kind == "update" else { return "wrong config" }
    } catch {
      #expect(decision.kind == "bundle", "refused a config that Go accepts: \(error)")
      return "config refused"
    }

    let update = Array(try #require(Data(base64Encoded: decision.update)))
    let result: Common_ConfigEnvelope
    do throws(ConfigError) {
      result = try bundle.proposeConfigUpdate(envelope: update)
      let isAccepted = decision.isAccepted
      #expect(isAccepted, "accepted an update that Go refuses: \(decision.refusal)")
      guard isAccepted else { return "wrong update" }
    } catch {
      #expect(!decision.isAccepted, "refused an update that Go accepts: \(error)")
      return "update refused"
    }
    let digest = SHA256Digest.hash(try result.config.deterministicBytes())
    #expect(Data(digest).base64EncodedString() == decision.result)

    do throws(ConfigError) {
      let next = try ConfigBundle(channelID: decision.channel, config: result.config)
      try bundle.validateNext(next)
      #expect(
        decision.successorRefusal.isEmpty,
        "accepted a result that Go refuses: \(decision.successorRefusal)")
      return "accepted"
    } catch {
      #expect(!decision.successorRefusal.isEmpty, "refused a result that Go accepts: \(error)")
      return "result refused"
    }
  }
}
