// What a follower does next.

import Testing

@testable import Followers

@Suite struct FollowerCoreTests {
  private typealias Position = FollowerCore.Position

  private func at(_ height: UInt64, isConsenter: Bool = false) -> FollowerCore.Position {
    Position(height: height, isConsenter: isConsenter)
  }

  private func core(_ position: FollowerCore.Position, join: UInt64? = nil) -> FollowerCore {
    FollowerCore(at: position, joinNumber: join)
  }

  @Test func itPullsUpToItsJoinBlockFirst() {
    var core = core(at(0), join: 5)
    #expect(core.begin() == .pull(through: 5))
    #expect(core.isOnboarding)
    #expect(core.targetHeight == 6)
    // Whatever the blocks on the way say.
    #expect(core.pulled(.failure, reached: at(3, isConsenter: true)) == .pause(.milliseconds(50)))
    #expect(core.paused() == .pull(through: 5))
    #expect(core.pulled(.success, reached: at(6)) == .poll)
    #expect(!core.isOnboarding)
  }

  @Test func aConsenterOrdersOnceItHasItsJoinBlock() {
    var core = core(at(0, isConsenter: true), join: 5)
    #expect(core.begin() == .pull(through: 5))
    #expect(core.pulled(.success, reached: at(6, isConsenter: true)) == .order)
  }

  @Test func aJoinThatIsOverIsForgotten() {
    let core = core(at(6), join: 5)
    #expect(!core.isOnboarding)
    #expect(core.begin() == .poll)
  }

  @Test func itLooksForNewBlocksEverMoreSeldom() {
    var core = core(at(6))
    var pauses: [Double] = []
    for _ in 0..<10 {
      guard case .pause(let pause) = core.polled(6) else { return #expect(Bool(false)) }
      pauses.append(pause / .seconds(1))
      #expect(core.paused() == .poll)
    }
    #expect(pauses.prefix(3) == [0.5, 0.75, 1.125])
    #expect(pauses.last == 10)
    // And more often again once there are some.
    #expect(core.polled(8) == .pull(through: 7))
    #expect(core.targetHeight == 8)
    #expect(core.pulled(.success, reached: at(8)) == .poll)
    #expect(core.polled(8) == .pause(.milliseconds(9_500)))
  }

  @Test func pullsThatFailAreRepeatedEverMoreSeldom() {
    var core = core(at(0), join: 9)
    var pauses: [Double] = []
    for _ in 0..<20 {
      guard case .pause(let pause) = core.pulled(.failure, reached: at(0)) else {
        return #expect(Bool(false))
      }
      pauses.append(pause / .seconds(1))
    }
    #expect(pauses.prefix(3) == [0.05, 0.075, 0.1125])
    #expect(pauses.last == 60)
    #expect(core.isTroubled)
    // Progress begins anew.
    #expect(core.pulled(.failure, reached: at(1)) == .pause(.milliseconds(50)))
  }

  @Test func aFailedPullIsFollowedByANewLook() {
    var core = core(at(6))
    #expect(core.polled(1_000_000) == .pull(through: 999_999))
    #expect(core.pulled(.failure, reached: at(7)) == .pause(.milliseconds(50)))
    #expect(core.paused() == .poll)
  }

  @Test func aConfigurationThatNamesTheNodeEndsIt() {
    var core = core(at(6))
    _ = core.polled(9)
    #expect(core.pulled(.success, reached: at(9, isConsenter: true)) == .order)
    var broken = self.core(at(6))
    _ = broken.polled(9)
    #expect(broken.pulled(.failure, reached: at(8, isConsenter: true)) == .order)
    #expect(self.core(at(6, isConsenter: true)).begin() == .order)
  }

  @Test func itIsTroubledOnceNobodyAnswersForAWhile() {
    var core = core(at(6))
    for count in 1...FollowerCore.patience {
      #expect(!core.isTroubled, "\(count)")
      _ = core.polled(nil)
    }
    #expect(core.isTroubled)
    _ = core.polled(6)
    #expect(!core.isTroubled)
  }
}
