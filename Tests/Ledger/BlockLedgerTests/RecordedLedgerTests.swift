// Ledgers that the Go orderers wrote.

import FabricProtos
import Foundation
import SwiftProtobuf
import TestSupport
import Testing

@testable import BlockLedger

@Suite struct RecordedLedgerTests {
  @Test("The recorded ledgers of all Go versions are there")
  func recordings() {
    #expect(
      RecordedLedger.all.map(\.archive)
        == ["1.4.12", "2.5.16", "3.1.5"].map { "fileledger-v\($0).tar.gz" })
  }

  @Test(
    "A Go orderer's ledger opens with its heights, without touching the index or anything else",
    arguments: RecordedLedger.all)
  func opens(recorded: RecordedLedger) async throws {
    let target = try TemporaryFolder()
    let folder = try recorded.extract(into: target)
    let (files, index) = (try filesBesidesIndex(folder), try indexContent(folder))
    let log = LogRecorder()
    try await withLedgers(folder, log: log.logger) { factory in
      #expect(try factory.channelIDs() == recorded.heights.keys.sorted())
      for (channel, height) in recorded.heights {
        let store = try await factory.openOrCreate(channel)
        #expect(store.height == height)
        try expectValidChain(store)
      }
    }
    #expect(log.messages() == [])
    #expect(try filesBesidesIndex(folder) == files)
    #expect(try indexContent(folder).filter { !isOwnKey($0.key) } == index)
  }

  @Test("The wire form is what protobuf makes of the block", arguments: RecordedLedger.all)
  func wireForm(recorded: RecordedLedger) async throws {
    let target = try TemporaryFolder()
    try await withLedgers(try recorded.extract(into: target)) { factory in
      for channel in try factory.channelIDs() {
        let store = try await factory.openOrCreate(channel)
        for (number, wire) in try await wireForms(store).enumerated() {
          let message = try Common_Block(serializedBytes: wire)
          let again: [UInt8] = try message.serializedBytes()
          #expect(again == wire)
          let block = try store.block(UInt64(number))
          #expect(block.serialized() == wire)
          #expect(message.header.number == UInt64(number))
          #expect(message.data.data.map { Array($0) } == block.data)
          #expect(message.metadata.metadata.map { Array($0) } == block.metadata)
        }
      }
    }
  }

  @Test(
    "A rebuilt index has exactly the entries that Go wrote, and a fingerprint for each block",
    arguments: RecordedLedger.all)
  func sameIndex(recorded: RecordedLedger) async throws {
    let target = try TemporaryFolder()
    let folder = try recorded.extract(into: target)
    let written = try indexContent(folder)
    #expect(written.count > 20)
    try FileManager.default.removeItem(atPath: "\(folder)/index")
    try await withLedgers(folder) { factory in
      for channel in try factory.channelIDs() { _ = try await factory.openOrCreate(channel) }
    }
    let rebuilt = try indexContent(folder)
    #expect(rebuilt.filter { !isOwnKey($0.key) } == written)
    // A fingerprint for each block, and the boot for each channel.
    let own = Int(recorded.heights.values.reduce(0, +)) + recorded.heights.count
    #expect(rebuilt.keys.count(where: isOwnKey) == own)
  }

  @Test(
    "The same blocks make the same block files and the same index as Go's",
    arguments: RecordedLedger.all)
  func writesTheSame(recorded: RecordedLedger) async throws {
    let (target, copy) = (try TemporaryFolder(), try TemporaryFolder())
    let folder = try recorded.extract(into: target)
    let written = try indexContent(folder)
    try await withLedgers(folder) { source in
      try await withLedgers(copy.path) { factory in
        for channel in try source.channelIDs() {
          let (from, to) = (
            try await source.openOrCreate(channel), try await factory.openOrCreate(channel)
          )
          for number in 0..<from.height { try await to.append(from.block(number)) }
        }
      }
    }
    let chains = try filesBesidesIndex(folder).filter { $0.key.hasPrefix("chains/") }
    #expect(chains.count == recorded.heights.count)
    #expect(try filesBesidesIndex(copy.path) == chains)
    #expect(try indexContent(copy.path).filter { !isOwnKey($0.key) } == written)
  }

  @Test("Blocks can be added to a Go ledger and are there next time", arguments: RecordedLedger.all)
  func appends(recorded: RecordedLedger) async throws {
    let target = try TemporaryFolder()
    let folder = try recorded.extract(into: target)
    let height = try #require(recorded.heights["alpha"])
    let before = try await withLedgers(folder) { factory in
      let store = try await factory.openOrCreate("alpha")
      try await appendBlocks(5, to: store)
      return try await wireForms(store)
    }
    let log = LogRecorder()
    try await withLedgers(folder, log: log.logger) { factory in
      let store = try await factory.openOrCreate("alpha")
      #expect(store.height == height + 5)
      #expect(try await wireForms(store) == before)
      try expectValidChain(store)
      let other = try await factory.openOrCreate("beta")
      #expect(other.height == recorded.heights["beta"])
    }
    #expect(log.messages() == [])
  }
}
