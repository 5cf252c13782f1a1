// The ledgers in memory and in JSON files.

import FabricProtos
import Foundation
import TestSupport
import Testing

@testable import BlockLedger

@Suite struct OtherLedgerTests {
  @Test("A ledger in memory keeps its history size and no more")
  func memory() async throws {
    let factory = RAMLedgerFactory(historySize: 3)
    let store = try await factory.openOrCreate("one")
    try await appendBlocks(5, to: store)
    #expect(store.height == 5)
    #expect(store.oldestBlock == 2)
    #expect(throws: LedgerError.notFound(channel: "one", number: 1, height: 5)) {
      _ = try store.block(1)
    }
    let block = try store.block(2)
    #expect(block == makeBlock(2, after: block.header.previousHash))
    #expect(Array(try await store.serializedBlock(2).readableBytesView) == block.serialized())
    await #expect(throws: LedgerError.self) { try await store.append(block) }
    #expect(try factory.channelIDs() == ["one"])
    await factory.close()
    #expect(throws: LedgerError.closed(channel: "one")) { _ = try store.block(2) }
  }

  @Test("A ledger of JSON files survives a restart")
  func json() async throws {
    let folder = try TemporaryFolder()
    var factory = try JSONLedgerFactory(directory: folder.path, logger: silent)
    #expect(throws: LedgerError.locked(path: folder.path)) {
      _ = try JSONLedgerFactory(directory: folder.path, logger: silent)
    }
    var store = try await factory.openOrCreate("one")
    try await appendBlocks(12, to: store)
    let wires = try await wireForms(store)
    let path = "\(folder.path)/chain_one/block_00000000000000000011.json"
    #expect(FileManager.default.fileExists(atPath: path))
    await factory.close()

    factory = try JSONLedgerFactory(directory: folder.path, logger: silent)
    #expect(try factory.channelIDs() == ["one"])
    store = try await factory.openOrCreate("one")
    #expect(try await wireForms(store) == wires)
    try expectValidChain(store)
    try await appendBlocks(1, to: store)
    await factory.close()

    // The last file is what a crash leaves of it.
    try truncateFile("\(folder.path)/chain_one/block_00000000000000000012.json", to: 40)
    factory = try JSONLedgerFactory(directory: folder.path, logger: silent)
    store = try await factory.openOrCreate("one")
    #expect(store.height == 12)
    try await appendBlocks(1, to: store)
    await factory.close()

    try FileManager.default.removeItem(atPath: path)
    factory = try JSONLedgerFactory(directory: folder.path, logger: silent)
    await #expect(throws: LedgerError.self) { _ = try await factory.openOrCreate("one") }
    try await factory.remove("one")
    #expect(try factory.channelIDs() == [])
    await factory.close()
  }

  @Test("A block in the JSON form of Go's orderer is read")
  func goJSON() async throws {
    let folder = try TemporaryFolder()
    let block = makeBlock(0, after: [], entries: 1, bytes: 4)
    let json = """
      {
        "header": {
          "dataHash": "\(Data(block.header.dataHash).base64EncodedString())"
        },
        "data": {
          "data": [
            "\(Data(block.data[0]).base64EncodedString())"
          ]
        },
        "metadata": {
          "metadata": [
            "AQID",
            "",
            "AA==",
            "",
            ""
          ]
        }
      }
      """
    let chain = "\(folder.path)/chain_one"
    try FileManager.default.createDirectory(atPath: chain, withIntermediateDirectories: true)
    try Data(json.utf8).write(
      to: URL(fileURLWithPath: "\(chain)/block_00000000000000000000.json"))
    let factory = try JSONLedgerFactory(directory: folder.path, logger: silent)
    let store = try await factory.openOrCreate("one")
    #expect(store.height == 1)
    #expect(try store.block(0) == block)
    await factory.close()
  }
}
