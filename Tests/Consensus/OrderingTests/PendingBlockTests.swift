// What must hold of a batch before a block is made of it.

import FabricProtos
import Testing

@testable import Ordering

@Suite struct PendingBlockTests {
  private let limits = BatchLimits(maxMessageCount: 3, preferredMaxBytes: 1_000)

  private func block(_ messages: OrderedMessage...) -> PendingBlock {
    PendingBlock(batch: messages)
  }

  @Test func batchesThatTheCutterMakesAreFine() throws {
    let small = try message(bytes: 300)
    #expect(throws: Never.self) { try block(small, small, small).check(limits) }
    // Alone, a message may be of any size.
    let large = try message(bytes: 3_000)
    #expect(throws: Never.self) { try block(large).check(limits) }
  }

  @Test func aFaultOfTheChainIsFound() throws {
    let small = try message(bytes: 300)
    let large = try message(bytes: 3_000)
    let config = OrderedMessage(envelope: small.envelope, configSequence: 1, isConfig: true)
    for broken in [block(), block(small, small, small, small), block(small, large), block(config)] {
      #expect(throws: ChannelFault.self) { try broken.check(limits) }
    }
  }
}
