// Which blocks a channel can be joined with.

import FabricCrypto
import FabricProtos
import Testing

@testable import Multichannel

@Suite struct JoinBlockTests {
  @Test func aGenesisBlockIsOne() throws {
    let block = try JoinFixture.genesis()
    let join = try JoinFixture.join(block)
    #expect(join.channelID == JoinFixture.channelID)
    #expect(join.block == block)
    #expect(join.number == 0)
    #expect(!join.isOfSystemChannel)
    #expect(try JoinFixture.join(RegistrarTests.genesis("system-solo-v20")).isOfSystemChannel)
    #expect(try JoinFixture.join(JoinFixture.laterBlock(7)).number == 7)
  }

  private func reason(_ change: (inout Block) throws -> Void) throws -> String {
    var block = try JoinFixture.genesis()
    try change(&block)
    do {
      _ = try JoinFixture.join(block)
      return ""
    } catch { return "\(error)" }
  }

  @Test func otherBlocksAreRefusedWithTheReason() throws {
    let message = try Common_Envelope.with { $0.payload = .init([1]) }.serializedBytes() as [UInt8]
    #expect(try reason { $0.data = [] }.contains("block is not a config block"))
    #expect(try reason { $0.data += $0.data }.contains("block is not a config block"))
    #expect(try reason { $0.data = [message] }.contains("block is not a config block"))
    #expect(try reason { $0.metadata = [] }.contains("does not have metadata"))
    #expect(try reason { $0.metadata = [[], []] }.contains("2 metadata slots of at least 3"))
    #expect(
      try reason { $0.header.dataHash[0] ^= 1 }
        .contains("Header.DataHash is different from Hash(block.Data)"))
    #expect(throws: NotAJoinBlock.self) { try JoinBlock([UInt8](repeating: 255, count: 50)) }
    #expect(throws: NotAJoinBlock.self) { try JoinBlock([]) }
  }

  @Test(arguments: ["UPPER", "under_score", String(repeating: "x", count: 250), "1st", ""])
  func aNameThatNoChannelCanHaveIsRefused(_ name: String) throws {
    #expect(throws: NotAJoinBlock.self) {
      try JoinFixture.join(JoinFixture.genesis(named: name))
    }
  }

  @Test func aConfigurationWithoutApplicationAndConsortiumsIsRefused() throws {
    #expect {
      try JoinFixture.join(JoinFixture.genesis { $0.groups["Application"] = nil })
    } throws: {
      "\($0)".contains("must have at least one of application or consortiums")
    }
  }
}
