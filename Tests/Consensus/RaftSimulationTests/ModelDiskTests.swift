import RaftCore
import Testing

@testable import RaftSimulation

struct ModelDiskTests {
  private func entries(_ range: ClosedRange<LogIndex>, _ term: Term) -> [Entry] {
    range.map { Entry(term: term, index: $0, data: [UInt8($0)]) }
  }

  @Test func whatIsNotSyncedIsThereUpToAnyPointAfterACrash() {
    var kept: Set<LogIndex> = []
    for seed in 1...200 {
      var dice = Dice(seed: UInt64(seed))
      var disk = ModelDisk()
      disk.write([.entries(entries(1...2, 1)), .hardState(HardState(term: 1))])
      let isSound = disk.syncFirst()
      #expect(isSound)
      disk.write([.entries(entries(2...4, 2)), .hardState(HardState(term: 2))])
      _ = disk.crash(&dice)
      let contents = disk.contents
      #expect(contents.term(at: 1) == 1)
      #expect(contents.hardState.term == 1 || contents.lastIndex == 4)
      kept.insert(contents.lastIndex)
    }
    #expect(kept == [2, 3, 4])
  }

  @Test func aSnapshotReplacesALogThatHasNotItsLastEntry() {
    var disk = ModelDisk()
    disk.write([.entries(entries(1...6, 1))])
    disk.write([.snapshot(Snapshot(index: 4, term: 1))])
    disk.write([.snapshot(Snapshot(index: 5, term: 2))])
    var areSound = [disk.syncFirst(), disk.syncFirst()]
    #expect(disk.contents.lastIndex == 6)
    areSound.append(disk.syncFirst())
    #expect(areSound == [true, true, true])
    #expect(disk.contents.lastIndex == 5)
    #expect(disk.contents.entries.isEmpty)
  }

  @Test func entriesThatDoNotFollowAreRefused() {
    var disk = ModelDisk()
    disk.write([.entries(entries(2...3, 1))])
    let isSound = disk.syncFirst()
    #expect(!isSound)
  }
}
