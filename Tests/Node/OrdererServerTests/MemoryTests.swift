// When a node gives memory back, and what it asks of the allocator.

import Testing

@testable import OrdererServer

@Suite struct MemoryTests {
  private typealias Rule = MemoryKeeper.Rule

  /// What the rule says after intervals in which the process ran so long, in milliseconds.
  private func steps(_ times: [Int]) -> [MemoryKeeper.Step] {
    var rule = Rule()
    var total = Duration.zero
    return times.map { time in
      total += .milliseconds(time)
      return rule.next(processorTime: total)
    }
  }

  @Test func aRestingNodeGivesBackOnceWhatItCanDoWithout() {
    #expect(steps([200, 1, 1, 1]) == [.spare, .nothing, .nothing, .nothing])
    // After work, and once more when little things have added up.
    #expect(steps([9_000, 9_000, 3, 3]) == [.free, .free, .spare, .nothing])
    #expect(steps([0, 40, 40, 40, 40]) == [.spare, .nothing, .nothing, .spare, .nothing])
  }

  @Test func aBusyNodeGivesBackWhatIsFreeNowAndThen() {
    #expect(steps([800, 800, 800, 800]) == [.nothing, .nothing, .free, .nothing])
    #expect(steps([800, 10]) == [.nothing, .spare])
  }

  @Test func theAllocatorHasFewAreas() {
    func values(_ processors: Int, _ environment: [String: String] = [:]) -> [String: Int32] {
      Dictionary(
        uniqueKeysWithValues: Allocator.parameters(
          processors: processors, environment: environment
        ).map { ($0.variable, $0.value) })
    }
    #expect(values(1)["MALLOC_ARENA_MAX"] == 2)
    #expect(values(4)["MALLOC_ARENA_MAX"] == 4)
    #expect(values(100)["MALLOC_ARENA_MAX"] == 8)
    #expect(values(4).count == 3)
  }

  @Test func whatAnOperatorHasSetStays() {
    let set = Allocator.parameters(processors: 4, environment: ["MALLOC_ARENA_MAX": "1"])
    #expect(set.map(\.number) == [-3, -1])
    let tunables = ["GLIBC_TUNABLES": "glibc.malloc.arena_max=3"]
    #expect(Allocator.parameters(processors: 4, environment: tunables).isEmpty)
    #expect(
      Allocator.parameters(processors: 4, environment: ["GLIBC_TUNABLES": "x.y=1"]).count == 3)
  }

  // MARK: Pages of the program

  private func mapping(
    _ first: String, dirty: Int = 0, shared: Int = 0, anonymous: Int? = 0
  ) -> String {
    """
    \(first)
    Size:                132 kB
    Rss:                 100 kB
    Shared_Clean:         40 kB
    Shared_Dirty:        \(shared) kB
    Private_Clean:        60 kB
    Private_Dirty:        \(dirty) kB
    \(anonymous.map { "Anonymous:            \($0) kB\n" } ?? "")VmFlags: rd ex mr mw me

    """
  }

  @Test func onlyCodeThatIsAsInItsFileIsLetGoOf() {
    let code = "7f0000001000-7f0000003000 r-xp 00001000 08:01 42      /usr/lib/libc.so.6"
    let text =
      mapping("7f0000000000-7f0000001000 r--p 00000000 08:01 42      /usr/lib/libc.so.6")
      + mapping(code)
      + mapping("7f0000003000-7f0000004000 rw-p 00003000 08:01 42      /usr/lib/libc.so.6")
      + mapping("7f0000005000-7f0000006000 r-xp 00000000 00:00 0 ")
      + mapping("7f0000007000-7f0000008000 r-xp 00000000 00:00 0      [vdso]")
      + mapping("7f0000009000-7f000000a000 r-xs 00001000 08:01 43      /shared")
      + mapping("7f000000b000-7f000000d000 r-xp 00001000 08:01 44      /opt/with space/orderer")
    #expect(
      ProgramPages.mappings(in: Array(text.utf8)) == [
        ProgramPages.Mapping(begin: 0x7f00_0000_1000, count: 0x2000),
        ProgramPages.Mapping(begin: 0x7f00_0000_b000, count: 0x2000),
      ])
    // A debugger has changed it, or the kernel does not tell.
    for changed in [
      mapping(code, dirty: 4), mapping(code, shared: 4), mapping(code, anonymous: 4),
      mapping(code, anonymous: nil), "\(code)\n", "x-y r-xp 0 08:01 42 /a\n", "",
    ] {
      #expect(ProgramPages.mappings(in: Array(changed.utf8)).isEmpty)
    }
  }

  @Test func theProgramGoesOnWithoutItsPages() throws {
    for round in 0..<10 {
      ProgramPages.letGo()
      #expect(steps([round]) == [.spare])
    }
  }
}
