// What the ledger's tests share: folders that vanish, recorded ledgers, blocks, and a look at the log.

import FabricCrypto
import FabricProtos
import Foundation
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import BlockLedger

/// What the Go orderers left behind, see the README next to the archives.
struct RecordedLedger: Sendable, CustomTestStringConvertible {
  let archive: String
  let heights: [String: UInt64]
  var testDescription: String { archive }

  private struct Manifest: Codable {
    let heights: [String: UInt64]
  }

  static let all: [RecordedLedger] = {
    guard let manifests = try? RecordedArchive.manifests(Manifest.self) else { return [] }
    return manifests.map { RecordedLedger(archive: $0.key, heights: $0.value.heights) }
      .sorted { $0.archive < $1.archive }
  }()

  /// Unpacks the ledger and returns its folder.
  func extract(into target: TemporaryFolder) throws -> String {
    try RecordedArchive.unpack(archive, into: target)
    return "\(target.path)/ledger"
  }
}

/// Keeps what is logged.
final class LogRecorder: Sendable {
  private let lines = Mutex<[(level: Logger.Level, message: String)]>([])

  private struct Handler: LogHandler {
    let recorder: LogRecorder
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .debug
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }
    func log(event: LogEvent) {
      recorder.lines.withLock { $0.append((event.level, "\(event.message)")) }
    }
  }

  var logger: Logger { Logger(label: "test") { _ in Handler(recorder: self) } }

  func messages(from level: Logger.Level = .info) -> [String] {
    lines.withLock { $0.filter { $0.level >= level }.map(\.message) }
  }
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

extension Block {
  /// The record of this block with its length prefix, as it goes into a block file, and the number
  /// of bytes of that prefix.
  func fileRecord() -> (bytes: [UInt8], prefix: Int) {
    let record = BlockRecord(layingOut: header, data: data, metadata: metadata)
    return (record.bytes, record.body.lowerBound)
  }
}

/// A block that follows a store's last one.
func nextBlock(of store: any BlockStore, entries: Int = 2, bytes: Int = 100) -> Block {
  makeBlock(store.height, after: store.lastBlockHash, entries: entries, bytes: bytes)
}

func makeBlock(
  _ number: UInt64, after previousHash: [UInt8], entries: Int = 2, bytes: Int = 100
) -> Block {
  let data = (0..<entries).map { entry in
    (0..<bytes).map { UInt8(truncatingIfNeeded: Int(number) &* 31 &+ entry &* 7 &+ $0 &* 13 | 1) }
  }
  return Block(
    header: BlockHeader(
      number: number, previousHash: previousHash, dataHash: SHA256Digest.hash(data.flatMap(\.self))),
    data: data, metadata: [[1, 2, 3], [], [0], [], []])
}

func appendBlocks(
  _ count: Int, to store: any BlockStore, entries: Int = 2, bytes: Int = 100
) async throws {
  for _ in 0..<count {
    try await store.append(nextBlock(of: store, entries: entries, bytes: bytes))
  }
}

/// Returns when a store has a block.
func waitForBlock(_ number: UInt64, of store: any BlockStore) async throws {
  while store.height <= number { try await Task.sleep(for: .milliseconds(1)) }
}

/// Knows no signature, so none that was cut.
struct NoSignatures: SignatureProbe {
  func isLastSignatureCut(_ metadata: [UInt8], of header: BlockHeader) -> Bool { false }
}

/// Opens a folder for the time of `body` and closes it again.
@discardableResult
func withLedgers<Value>(
  _ folder: String, log: Logger = silent, signatures: any SignatureProbe = NoSignatures(),
  options: FileLedgerFactory.Options = FileLedgerFactory.Options(),
  _ body: (FileLedgerFactory) async throws -> Value
) async throws -> Value {
  let factory = try FileLedgerFactory(
    directory: folder, signatures: signatures, logger: log, options: options)
  do {
    let value = try await body(factory)
    await factory.close()
    return value
  } catch {
    await factory.close()
    throw error
  }
}

/// All blocks of a store in wire form, read from the disk if the store was just opened.
func wireForms(_ store: any BlockStore) async throws -> [[UInt8]] {
  var all: [[UInt8]] = []
  for number in 0..<store.height {
    all.append(Array(try await store.serializedBlock(number).readableBytesView))
  }
  return all
}

/// Checks numbers, hash chain and data hashes of all blocks.
func expectValidChain(_ store: any BlockStore) throws {
  var previous: [UInt8] = []
  for number in 0..<store.height {
    let block = try store.block(number)
    #expect(block.header.number == number)
    #expect(block.header.previousHash == previous)
    #expect(block.header.dataHash == SHA256Digest.hash(block.data.flatMap(\.self)))
    previous = SHA256Digest.hash(block.header.derBytes())
  }
  #expect(store.lastBlockHash == previous)
}

func createFile(_ path: String) {
  _ = FileManager.default.createFile(atPath: path, contents: nil)
}

func fileSize(_ path: String) throws -> Int {
  try #require(FileManager.default.contents(atPath: path)).count
}

func truncateFile(_ path: String, to size: Int) throws {
  let handle = try #require(FileHandle(forWritingAtPath: path))
  try handle.truncate(atOffset: UInt64(size))
  try handle.close()
}

func appendToFile(_ path: String, _ bytes: [UInt8]) throws {
  let handle = try #require(FileHandle(forWritingAtPath: path))
  try handle.seekToEnd()
  try handle.write(contentsOf: Data(bytes))
  try handle.close()
}

func changeByte(_ path: String, at offset: Int, by mask: UInt8 = 1) throws {
  var content = try #require(FileManager.default.contents(atPath: path))
  content[offset] ^= mask
  try content.write(to: URL(fileURLWithPath: path))
}

/// The content of every file of a ledger folder that is not the index's, by its path in the folder.
func filesBesidesIndex(_ folder: String) throws -> [String: Data] {
  var files: [String: Data] = [:]
  for path in try FileManager.default.subpathsOfDirectory(atPath: folder)
  where !path.hasPrefix("index") {
    // Nil for folders.
    if let content = FileManager.default.contents(atPath: "\(folder)/\(path)") {
      files[path] = content
    }
  }
  return files
}

/// All pairs of an index.
func indexContent(_ folder: String) throws -> [[UInt8]: [UInt8]] {
  let database = try LevelDB(path: "\(folder)/index")
  defer { database.close() }
  var pairs: [[UInt8]: [UInt8]] = [:]
  for key in try database.keys(from: [0], below: [0xFF], limit: 1_000_000) {
    pairs[key] = try database.get(key)
  }
  return pairs
}

extension BlockStore {
  /// One block in protobuf wire form.
  func serializedBlock(_ number: UInt64) async throws -> ByteBuffer {
    try #require(try await serializedBlocks(from: number, count: 1, bytes: 1).first)
  }
}
