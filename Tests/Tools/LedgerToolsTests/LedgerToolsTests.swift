// The tools tell the truth about a folder, sound or damaged, and leave it as it is.

import BlockLedger
import Concurrency
import FabricProtos
import Foundation
import Testing

@testable import LedgerTools

@Suite struct LedgerToolsTests {
  static let archives = [
    "fileledger-v1.4.12.tar.gz", "fileledger-v2.5.16.tar.gz", "fileledger-v3.1.5.tar.gz",
  ]

  private func verify(
    _ folder: RecordedFolder, _ channel: String, signatures: Bool = true
  ) async throws -> VerificationReport {
    let chain = try LedgerFolder(directory: folder.ledger).chain(channel)
    return try await ChainVerifier(chain, workers: 2, checksSignatures: signatures).run()
  }

  @Test("What Go's orderer wrote is sound, signatures included", arguments: archives)
  func sound(archive: String) async throws {
    let folder = try RecordedFolder(archive)
    let summaries = try ChainSummary.all(in: LedgerFolder(directory: folder.ledger))
    try #require(!summaries.isEmpty)
    #expect(summaries.map(\.channel) == folder.consensus.keys.sorted())
    for summary in summaries {
      let figures = try #require(summary.figures)
      let report = try await verify(folder, summary.channel)
      #expect(report.problems == [])
      #expect(report.blocks == figures.height)
      #expect(report.validSignatures == figures.height - 1)
      #expect(report.uncheckedSignatures == 0)
      #expect(report.bytes == figures.bytes)
      let info = try ChainInfo(LedgerFolder(directory: folder.ledger).chain(summary.channel))
      #expect(info.height == figures.height)
      #expect(info.lastBlockHash == report.lastBlockHash)
      #expect(info.configuration?.consensusType == folder.consensus[summary.channel])
    }
  }

  @Test("Every changed bit in a channel's file is found", arguments: archives)
  func changedBits(archive: String) async throws {
    let folder = try RecordedFolder(archive)
    for (channel, figures) in try folder.longest() {
      var missed: [Int] = []
      for step in 0..<60 {
        let offset = Int(figures.bytes) * step / 60 + 7
        try folder.changeByte(channel, at: offset, by: 1 << UInt8(step % 8))
        let report = try await verify(folder, channel)
        // The genesis block's metadata and unused entries are covered by nothing.
        if report.isSound { missed.append(offset) }
        try folder.changeByte(channel, at: offset, by: 1 << UInt8(step % 8))
      }
      #expect(missed.count <= 6, "not noticed in \(channel) at \(missed)")
      #expect(try await verify(folder, channel).isSound)
    }
  }

  @Test(
    "A forged block is found by its signature although its hashes fit", arguments: archives)
  func forged(archive: String) async throws {
    let folder = try RecordedFolder(archive)
    let source = try LedgerFolder(directory: folder.ledger)
    for channel in try folder.longest().map(\.channel) {
      let last = try source.chain(channel).height() - 1
      let report = try await verify(folder, channel)
      let block = try source.chain(channel).block(last)
      // The signature is among the last bytes of the record.
      try folder.changeByte(channel, at: Int(report.bytes) - 20, by: 4)
      let forged = try await verify(folder, channel)
      #expect(forged.problems.map(\.block) == [last])
      #expect(forged.problems.first?.offset == block.offset)
      #expect(try await verify(folder, channel, signatures: false).problemCount <= 1)
    }
  }

  @Test("A block that is being written is no problem", arguments: archives)
  func incomplete(archive: String) async throws {
    let folder = try RecordedFolder(archive)
    let channel = try #require(try LedgerFolder(directory: folder.ledger).channelIDs().first)
    let height = try LedgerFolder(directory: folder.ledger).chain(channel).height()
    try folder.append(channel, [200, 1, UInt8(height), 32, 1, 2, 3])
    let report = try await verify(folder, channel)
    #expect(report.isSound)
    #expect(report.incompleteTailBytes == 7)
    #expect(try LedgerFolder(directory: folder.ledger).chain(channel).height() == height)
  }

  @Test(
    "Garbage behind the last block does not change the height, whatever it looks like",
    arguments: archives)
  func garbageBehindTheLastBlock(archive: String) async throws {
    let folder = try RecordedFolder(archive)
    let channel = try #require(try LedgerFolder(directory: folder.ledger).channelIDs().first)
    let height = try LedgerFolder(directory: folder.ledger).chain(channel).height()
    try folder.append(channel, [5, 52, 0, 0, 0, 0])
    #expect(try LedgerFolder(directory: folder.ledger).chain(channel).height() == height)
  }

  @Test(
    "Exported blocks are the blocks as Deliver sends them, and a block can be shown",
    arguments: archives)
  func exportAndShow(archive: String) async throws {
    let folder = try RecordedFolder(archive)
    let source = try LedgerFolder(directory: folder.ledger)
    for channel in try folder.longest().map(\.channel) {
      let chain = try source.chain(channel)
      let export = BlockExport(chain, directory: "\(folder.path)/out")
      #expect(try await export.run(1...2) == 2)
      for number in 1...2 as ClosedRange<UInt64> {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: export.path(number))))
        #expect(try Block(serialized: bytes) == chain.block(number).block)
        let description = BlockDescription(try chain.block(number), channel: channel)
        #expect(description.dataHashMatches)
        let signers = description.signatures.map(\.signer)
        if folder.consensus[channel] == "BFT" {
          // Of four consenters, one may fail; which of them signs first is chance.
          #expect(Set(signers).count == 3 && signers.count == 3)
          #expect(Set(signers).isSubset(of: (1...4).map { "consenter \($0)" }))
        } else {
          #expect(signers == ["OrdererMSP"])
        }
        #expect(!description.transactions.isEmpty)
        #expect(description.transactions.allSatisfy { $0.error == nil })
        #expect(LedgerText.block(description).contains(description.hash))
      }
      #expect(throws: LedgerError.self) { try chain.block(1_000_000) }
    }
  }

  @Test("The progress bar overwrites its line, and writes nothing without a terminal")
  func progress() {
    var written = ""
    let time = ManualTime()
    var bar = ProgressBar(label: "one", time: time, isShown: true) { written += $0 }
    bar.update(done: 50, total: 100, detail: "5 blocks")
    bar.update(done: 60, total: 100, detail: "too soon to be shown")
    #expect(written.hasPrefix("\rone [===============>"))
    #expect(written.contains("50% 5 blocks"))
    #expect(!written.contains("too soon"))
    time.advance(by: .milliseconds(100))
    bar.update(done: 60, total: 100, detail: "6 blocks")
    #expect(written.contains("60% 6 blocks"))
    time.advance(by: .milliseconds(2900))
    bar.update(done: 75, total: 100, detail: "7 blocks")
    #expect(written.contains("75% 7 blocks, 2 s left"))
    bar.finish()
    #expect(written.hasSuffix("\r"))
    var silent = ProgressBar(label: "one", time: time, isShown: false) { _ in
      Issue.record("it wrote")
    }
    silent.update(done: 1, total: 2, detail: "")
    silent.finish()
  }
}
