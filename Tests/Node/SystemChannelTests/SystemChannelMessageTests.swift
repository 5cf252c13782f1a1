// Messages that reach the system channel: those for it, and those for channels that do not exist.

import FabricProtos
import MessageProcessing
import ProcessingFixtures
import SystemChannel
import Testing

@Suite struct SystemChannelMessageTests {
  let network: TestNetwork

  init() throws { network = try TestNetwork(.v14) }

  @Test func `the system channel's own members may write to it`() throws {
    let envelope = try EnvelopeView(try Messages.message("syschannel", try .ordererAdmin()))
    #expect(try network.processor.processNormal(envelope) == 0)
  }

  @Test func `clients of application channels may not write to the system channel`() throws {
    let envelope = try EnvelopeView(try Messages.message("syschannel", try .user("user1")))
    let refused = try refusal { try network.processor.processNormal(envelope) }
    #expect(refused.status == .forbidden)
  }

  @Test(arguments: ["nosuchchannel", "", "Not A Channel!"])
  func `a transaction for a channel that does not exist is not found`(name: String) throws {
    let envelope = try EnvelopeView(try Messages.message(name, try .user("user1")))
    let refused = try refusal { try network.processor.processNormal(envelope) }
    #expect(refused.status == .notFound)
    #expect(refused.reason.hasPrefix("channel does not exist"))
  }

  @Test func `a refusal shows what a client made up without its control characters or its length`()
    throws
  {
    let name = "a\n2026 INFO forged" + String(repeating: "x", count: 10_000)
    let envelope = try EnvelopeView(try Messages.message(name, try .user("user1")))
    let refused = try refusal { try network.processor.processNormal(envelope) }
    #expect(refused.reason.hasPrefix("channel does not exist: 'a\\n2026 INFO forgedxx"))
    #expect(refused.reason.count < 300)
  }

  @Test func `messages are classified by their header type`() throws {
    let classes = try (Int32(-1)...7).map { type in
      var header = Messages.channelHeader("channel", .message)
      header.type = type
      let payload = try Messages.payload(try header.serializedBytes(), [], [])
      let message = try Messages.envelope(payload: payload, signature: [])
      return network.processor.classify(try EnvelopeView(message))
    }
    #expect(
      classes == [
        .normal, .normal, .config, .configUpdate, .normal, .config, .normal, .normal, .normal,
      ])
  }
}
