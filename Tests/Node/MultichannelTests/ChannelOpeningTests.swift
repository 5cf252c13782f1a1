// Many channels are opened at once, and a slow one holds nobody up.

import Testing

@testable import Multichannel

@Suite struct ChannelOpeningTests {
  @Test func waitingEndsWhenAllAreThere() async {
    let opening = ChannelOpening(count: 100)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<100 { group.addTask { #expect(opening.deliver(nil)) } }
      group.addTask { #expect(await opening.wait(atMost: .seconds(60)).isEmpty) }
    }
    #expect(opening.unfinished == 0)
  }

  @Test(.timeLimit(.minutes(10))) func waitingEndsWhenPatienceDoesAndWhatComesLaterIsForTheOpener()
    async
  {
    let opening = ChannelOpening(count: 2)
    #expect(opening.deliver(nil))
    // Would not return otherwise.
    _ = await opening.wait(atMost: .milliseconds(50))
    #expect(!opening.deliver(nil))
    #expect(opening.unfinished == 1)
  }

  @Test func withoutChannelsThereIsNothingToWaitFor() async {
    #expect(await ChannelOpening(count: 0).wait(atMost: .seconds(60)).isEmpty)
  }
}
