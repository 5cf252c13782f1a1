// Any sequence of operations leaves what a model of the log says, also after it is opened again.

import Foundation
import RaftCore
import RaftWire
import TestSupport
import Testing

@testable import RaftLog

@Suite struct RandomLogTests {
  /// What the log has to be.
  private struct Model {
    var snapshot: Snapshot?
    var log: [Entry] = []
    var state = HardState()

    var base: LogIndex { log.first.map { $0.index - 1 } ?? last }
    var last: LogIndex { log.last?.index ?? snapshot?.index ?? 0 }
    func term(_ index: LogIndex) -> Term? {
      log.first { $0.index == index }?.term
        ?? (index == snapshot?.index ? snapshot?.term : nil) ?? (index == 0 ? 0 : nil)
    }
  }

  @Test(arguments: 1...40) func theLogIsWhatTheModelSays(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let folder = try MemoryFolder()
    let location = folder.location(inOne: seed % 2 == 0)
    let limits = RaftStorage.Limits.small(
      Int64.random(in: 500...20_000, using: &random), recentBytes: seed % 3 == 0 ? 2000 : 0)
    var storage = try RaftStorage.open(location, limits: limits)
    var model = Model()
    for step in 0..<60 {
      try act(storage, &model, &random)
      if random.next() % 4 == 0 {
        try storage.close()
        storage = try RaftStorage.open(location, limits: limits)
        #expect(storage.found.repairs.isEmpty, "seed \(seed), step \(step)")
        #expect(storage.found.snapshot == model.snapshot, "seed \(seed), step \(step)")
        #expect(storage.found.hardState == model.state, "seed \(seed), step \(step)")
      }
      try check(storage, model, &random, "seed \(seed), step \(step)")
    }
  }

  private func act(
    _ storage: RaftStorage, _ model: inout Model, _ random: inout SplitMix64
  ) throws {
    switch random.next() % 10 {
    case 0 where model.last > model.state.commit || model.snapshot != nil:
      // A new leader replaces what is not committed.
      let first = LogIndex.random(in: model.state.commit + 1...model.last + 1, using: &random)
      try append(storage, &model, from: first, term: model.state.term + 1, &random)
    case 1:
      model.state.commit = LogIndex.random(in: model.state.commit...model.last, using: &random)
      try storage.append([], hardState: model.state)
    case 2:
      model.state = HardState(
        term: model.state.term + 1, vote: random.next() % 4, commit: model.state.commit)
      try storage.append([], hardState: model.state)
    case 3 where model.state.commit > (model.snapshot?.index ?? 0):
      let index = LogIndex.random(
        in: (model.snapshot?.index ?? 0) + 1...model.state.commit, using: &random)
      let own = snapshot(index, term: model.term(index) ?? 0)
      try storage.save(own, hardState: model.state)
      model.snapshot = own
    case 4:
      let index = model.last + LogIndex.random(in: 1...20, using: &random)
      model.state.term += 1
      model.state.vote = 0
      model.state.commit = index
      let received = snapshot(index, term: model.state.term)
      try storage.save(received, hardState: model.state)
      model.snapshot = received
      model.log = []
    default:
      try append(storage, &model, from: model.last + 1, term: max(1, model.state.term), &random)
    }
  }

  private func append(
    _ storage: RaftStorage, _ model: inout Model, from first: LogIndex, term: Term,
    _ random: inout SplitMix64
  ) throws {
    var writes: [RaftStorage.Write] = []
    var next = first
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let count = LogIndex.random(in: 1...4, using: &random)
      let new = (next..<next + count).map {
        entry($0, term: term, size: Int.random(in: 0...1500, using: &random))
      }
      next += count
      model.log.removeAll { $0.index >= new[0].index }
      model.log += new
      model.state.term = term
      model.state.commit = max(model.state.commit, min(first - 1, model.state.commit + 1))
      writes.append(.init(new, hardState: model.state))
    }
    try storage.append(writes)
  }

  private func check(
    _ storage: RaftStorage, _ model: Model, _ random: inout SplitMix64, _ comment: Comment
  ) throws {
    #expect(storage.lastIndex == model.last, comment)
    #expect(storage.firstIndex <= (model.snapshot?.index ?? 0) + 1, comment)
    #expect(storage.term(of: model.last) == model.term(model.last), comment)
    let expected = model.log.filter { $0.index >= storage.firstIndex }
    #expect(storage.lastIndex + 1 - storage.firstIndex == LogIndex(expected.count), comment)
    #expect(
      try storage.entries(from: storage.firstIndex, to: storage.lastIndex + 1, maximumBytes: .max)
        == expected, comment)
    guard let some = expected.randomElement(using: &random) else { return }
    let part = try storage.entries(
      from: some.index, to: storage.lastIndex + 1, maximumBytes: 1000)
    #expect(part.first == some && part.count >= 1, comment)
  }
}
