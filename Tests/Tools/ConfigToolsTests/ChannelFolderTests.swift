// Finding a channel's newest configuration in a ledger folder, also while its node is running.

import BlockLedger
import Blocks
import FabricProtos
import Foundation
import Logging
import Testing

@testable import ConfigTools

@Suite struct ChannelFolderTests {
  private static var logger: Logger {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
  }

  /// Fills a channel's ledger: the genesis block, and then `count` blocks that hold no config.
  private func fill(_ ledgers: any LedgerFactory, count: Int) async throws -> [Block] {
    let store = try await ledgers.openOrCreate("channel")
    var blocks = [try Fixtures.block("app-raft-v20")]
    try await store.append(blocks[0])
    for _ in 0..<count {
      let block = try Fixtures.block(after: blocks[blocks.count - 1], lastConfig: 0)
      try await store.append(block)
      blocks.append(block)
    }
    return blocks
  }

  @Test(arguments: [0, 1, 40])
  func theNewestConfigIsFoundWhileTheLedgerIsOpen(_ count: Int) async throws {
    try await Fixtures.withFolder { folder in
      var options = FileLedgerFactory.Options()
      options.maximumFileSize = 1_000
      let ledgers = try FileLedgerFactory(
        directory: folder, signatures: CutSignatures(), logger: Self.logger, options: options)
      let blocks = try await fill(ledgers, count: count)
      let channel = try ChannelFolder(directory: folder, channelID: "channel")
      #expect(try channel.newestConfigBlock() == blocks[0])

      // A config block in the middle of a file, with others behind it.
      let store = try await ledgers.openOrCreate("channel")
      var last = blocks[blocks.count - 1]
      let number = last.header.number + 1
      let config = try Fixtures.block(
        after: last, lastConfig: number, message: Fixtures.block("app-raft-v20").data[0])
      try await store.append(config)
      #expect(try channel.newestConfigBlock() == config)
      last = config
      for _ in 0..<5 {
        last = try Fixtures.block(after: last, lastConfig: number)
        try await store.append(last)
      }
      #expect(try channel.newestConfigBlock() == config)
      #expect(try ConfigBlock(channel.newestConfigBlock()).number == number)
      await ledgers.close()
    }
  }

  @Test func aBlockThatIsBeingWrittenIsNotSeen() async throws {
    try await Fixtures.withFolder { folder in
      let ledgers = try FileLedgerFactory(
        directory: folder, signatures: CutSignatures(), logger: Self.logger)
      let blocks = try await fill(ledgers, count: 2)
      await ledgers.close()
      let path = "\(folder)/chains/channel/blockfile_000000"
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data([0xFF, 0x01, 3, 9, 9]))
      try handle.close()
      let channel = try ChannelFolder(directory: folder, channelID: "channel")
      #expect(try channel.newestConfigBlock() == blocks[0])
    }
  }

  @Test func ledgersInJSONAreReadToo() async throws {
    try await Fixtures.withFolder { folder in
      let ledgers = try JSONLedgerFactory(
        directory: folder, logger: Self.logger)
      let blocks = try await fill(ledgers, count: 3)
      let channel = try ChannelFolder(directory: folder, channelID: "channel", format: .json)
      #expect(try channel.newestConfigBlock() == blocks[0])
      await ledgers.close()
    }
  }

  @Test func anUnknownChannelIsAnsweredWithThoseThereAre() async throws {
    try await Fixtures.withFolder { folder in
      let ledgers = try FileLedgerFactory(
        directory: folder, signatures: CutSignatures(), logger: Self.logger)
      _ = try await fill(ledgers, count: 0)
      #expect {
        try ChannelFolder(directory: folder, channelID: "other")
      } throws: {
        "\($0)" == "this node has no channel other; it has channel"
      }
      #expect(throws: ConfigToolsError.self) {
        try ChannelFolder(directory: folder, channelID: "../chains/channel")
      }
      #expect {
        try ChannelFolder(directory: folder + "/nowhere", channelID: "channel")
      } throws: {
        "\($0)".contains("FileLedger.Location")
      }
      await ledgers.close()
    }
  }

  @Test func anEmptyLedgerSaysSo() async throws {
    try await Fixtures.withFolder { folder in
      let path = "\(folder)/chains/channel"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      let channel = try ChannelFolder(directory: folder, channelID: "channel")
      #expect {
        try channel.newestConfigBlock()
      } throws: {
        "\($0)".contains("has no blocks")
      }
    }
  }

  @Test func aBlockWithoutConfigNamesTheOneThatHasIt() throws {
    var envelope = Common_Envelope()
    let header = try Common_ChannelHeader.with {
      $0.type = Int32(Common_HeaderType.endorserTransaction.rawValue)
      $0.channelID = "channel"
    }.serializedData()
    envelope.payload = try Common_Payload.with { $0.header.channelHeader = header }.serializedData()
    let genesis = try Fixtures.block("app-raft-v20")
    let block = try Fixtures.block(
      after: genesis, lastConfig: 0, message: envelope.serializedBytes())
    #expect {
      try ConfigBlock(block)
    } throws: {
      "\($0)"
        == "block 1 of channel channel holds no configuration; the newest one before it is in block 0"
    }
  }

  @Test func theBlockThatCreatesAChannelShowsTheNewChannel() throws {
    let inner = try Fixtures.block("app-raft-v20").data[0]
    let header = try Common_ChannelHeader.with {
      $0.type = Int32(Common_HeaderType.ordererTransaction.rawValue)
      $0.channelID = "syschannel"
    }.serializedData()
    let payload = try Common_Payload.with {
      $0.header.channelHeader = header
      $0.data = Data(inner)
    }.serializedData()
    let message: [UInt8] = try Common_Envelope.with { $0.payload = payload }.serializedBytes()
    let block = try Fixtures.block(
      after: Fixtures.block("system-solo-v20"), lastConfig: 0, message: message)
    let found = try ConfigBlock(block)
    #expect(found.channelID == (try ConfigBlock(Fixtures.block("app-raft-v20")).channelID))
    #expect(found.number == 1)
  }

  @Test func filesThatHoldNoBlockAreRefused() async throws {
    try await Fixtures.withFolder { folder in
      #expect(throws: ConfigToolsError.self) { try ConfigBlock.readFile("\(folder)/missing") }
      let path = "\(folder)/text"
      try Data("no block".utf8).write(to: URL(fileURLWithPath: path))
      #expect {
        try ConfigBlock.readFile(path)
      } throws: {
        "\($0)".contains("holds no block")
      }
    }
  }
}
