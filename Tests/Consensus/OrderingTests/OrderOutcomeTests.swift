// What became of the messages that a chain was given.

import Testing

@testable import Ordering

@Suite struct OrderOutcomeTests {
  @Test func oneOutcomeCanBeThatOfAllMessages() {
    let outcomes = OrderOutcomes.all(.taken)
    #expect(outcomes[0] == .taken)
    #expect(outcomes[99] == .taken)
  }

  @Test func eachMessageCanHaveAnOutcomeOfItsOwn() {
    let refusal = OrderOutcome.refused(.overloaded(channelID: "ch"))
    let outcomes = OrderOutcomes.each([.taken, .duplicate, refusal])
    #expect([outcomes[0], outcomes[1], outcomes[2]] == [.taken, .duplicate, refusal])
  }
}
