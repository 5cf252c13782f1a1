// Finding the system channel among ledgers of which some cannot be read.

import Testing

@testable import SystemChannel

@Suite struct SystemChannelKnowledgeTests {
  @Test func aNodeWithoutLedgersHasNone() {
    #expect(SystemChannelKnowledge().suspect == nil)
  }

  @Test func anyLedgerThatWasNotReadMayBeIt() throws {
    var knowledge = SystemChannelKnowledge()
    knowledge.expect(["b", "a", "c"])
    #expect(knowledge.suspect == .possible("a"))
    try knowledge.read("a", isSystemChannel: false)
    #expect(knowledge.suspect == .possible("b"))
    knowledge.forget("b")
    #expect(knowledge.suspect == .possible("c"))
    try knowledge.read("c", isSystemChannel: false)
    #expect(knowledge.suspect == nil)
  }

  @Test func onceItIsFoundTheOthersAreNotSuspectedAnyMore() throws {
    var knowledge = SystemChannelKnowledge()
    knowledge.expect(["a", "z"])
    try knowledge.read("z", isSystemChannel: true)
    #expect(knowledge == .found("z"))
    #expect(knowledge.suspect == .certain("z"))
    knowledge.expect(["b"])
    try knowledge.read("a", isSystemChannel: false)
    try knowledge.read("z", isSystemChannel: true)
    knowledge.forget("a")
    #expect(knowledge == .found("z"))
  }

  @Test func thereIsNoSecondOne() throws {
    var knowledge = SystemChannelKnowledge()
    try knowledge.read("a", isSystemChannel: true)
    #expect(throws: SecondSystemChannel(first: "a", second: "b")) {
      try knowledge.read("b", isSystemChannel: true)
    }
    #expect(knowledge == .found("a"))
    knowledge.forget("a")
    try knowledge.read("b", isSystemChannel: true)
    #expect(knowledge == .found("b"))
  }
}
