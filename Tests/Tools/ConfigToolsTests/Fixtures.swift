// Files and blocks for the tests of this target.

import FabricCrypto
import FabricProtos
import Foundation
import TestSupport

@testable import ConfigTools

enum Fixtures {
  static let directory = Repository.fixtures.path

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(path)")))
  }

  static func block(_ name: String) throws -> Block {
    try Block(serialized: bytes("blocks/\(name).block"))
  }

  /// A block with one message that follows another block.
  static func block(
    after last: Block, lastConfig: UInt64, message: [UInt8] = [1, 2, 3]
  ) throws -> Block {
    let number = last.header.number + 1
    var metadata = [[UInt8]](repeating: [], count: 5)
    let value = try Common_LastConfig.with { $0.index = lastConfig }.serializedData()
    metadata[1] = try Common_Metadata.with { $0.value = value }.serializedBytes()
    return Block(
      header: BlockHeader(
        number: number, previousHash: SHA256Digest.hash(last.header.derBytes()),
        dataHash: SHA256Digest.hash(message)),
      data: [message], metadata: metadata)
  }

  /// Runs `body` with a folder that is gone afterwards.
  static func withFolder<T>(_ body: (String) async throws -> T) async throws -> T {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("heddle-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
  }
}
