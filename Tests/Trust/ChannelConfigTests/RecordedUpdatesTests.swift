// The same sequence of updates, on Go's orderer and on this one.

import FabricCrypto
import FabricProtos
import Foundation
import Testing

@testable import ChannelConfig

/// One update of a sequence and what Go's orderer made of it; a line of JSON each, made by
/// `recorded/updates/record.go`.
private struct RecordedUpdate: Decodable {
  let name: String
  /// The `common.Envelope` of the update.
  let update: Data
  /// SHA-256 of the `common.ConfigEnvelope` that a block would carry, with its maps in order; empty if
  /// the update was refused.
  let config: Data
  /// Why it was refused.
  let reason: String

  enum CodingKeys: String, CodingKey {
    case name = "Name"
    case update = "Update"
    case config = "Config"
    case reason = "Reason"
  }
}

@Suite("A sequence of updates")
struct RecordedUpdatesTests {
  @Test(
    "makes the same configs, byte for byte, and is refused for the same reasons, as on Go's orderer",
    arguments: ["app-raft-v20", "system-solo-v14"])
  func repeats(name: String) throws {
    var bundle = try Fixtures.bundle("\(name).block")
    let file = Fixtures.directory.appendingPathComponent("recorded/updates/\(name).jsonl")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.count > 10)
    for line in lines {
      let recorded = try JSONDecoder().decode(RecordedUpdate.self, from: Data(line.utf8))
      let comment = Comment(rawValue: recorded.name)
      do throws(ConfigError) {
        let result = try bundle.proposeConfigUpdate(envelope: Array(recorded.update))
        let bytes = try? result.deterministicBytes()
        #expect(Data(SHA256Digest.hash(bytes ?? [])) == recorded.config, comment)
        let next = try ConfigBundle(channelID: bundle.channelID, config: result.config)
        try bundle.validateNext(next)
        bundle = next
      } catch {
        #expect(error.description == recorded.reason, comment)
      }
    }
  }
}
