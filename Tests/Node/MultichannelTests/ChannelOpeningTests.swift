// Many channels are opened at once, and a slow one holds nobody up.

import Concurrency
import Testing

@testable import Multichannel

@Suite struct ChannelOpeningTests {
  private let time = ManualTime()

  private func wait(for opening: ChannelOpening) async -> [OpenedChannel] {
    await opening.wait(until: time.now + .seconds(3), on: time)
  }

  @Test func waitingEndsWhenAllAreThere() async {
    let opening = ChannelOpening(count: 100)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<100 { group.addTask { #expect(opening.deliver(nil)) } }
      group.addTask { #expect(await wait(for: opening).isEmpty) }
    }
    #expect(opening.unfinished == 0)
  }

  @Test func waitingEndsWhenPatienceDoesAndWhatComesLaterIsLeftToItsOpener() async {
    let opening = ChannelOpening(count: 2)
    #expect(opening.deliver(nil))
    async let opened = wait(for: opening)
    await time.waitForSleepers(1)
    time.advance(by: .seconds(3))
    #expect(await opened.isEmpty)
    #expect(!opening.deliver(nil))
    #expect(opening.unfinished == 1)
  }

  @Test func aDeadlineThatHasPassedIsNotMissed() async {
    let opening = ChannelOpening(count: 1)
    #expect(await opening.wait(until: time.now, on: time).isEmpty)
    #expect(opening.unfinished == 1)
  }

  @Test func withoutChannelsThereIsNothingToWaitFor() async {
    #expect(await wait(for: ChannelOpening(count: 0)).isEmpty)
  }
}
