// What chains of several nodes are made of: members, who is alive, who leads next, who suspects what.

import FabricProtos
import Ordering
import RaftCore
import TestSupport
import Testing

@testable import RaftConsensus

@Suite struct NeighboursTests {
  private func set(_ nodes: [Int], ids: [UInt64]) throws -> ConsenterSet {
    try ConsenterSet(
      nodes.map(consenter),
      metadata: RaftBlockMetadata(consenterIDs: ids, nextConsenterID: 9, raftIndex: 1))
  }

  @Test func oneThatWasRemovedStaysForAWhile() throws {
    var neighbours = Neighbours(of: 1, graceTicks: 2)
    var isChanged = neighbours.change(to: try set([1, 2, 3], ids: [1, 2, 3]))
    #expect(isChanged)
    #expect(neighbours.members.map(\.id) == [2, 3])
    isChanged = neighbours.change(to: try set([1, 2, 3], ids: [1, 2, 3]))
    #expect(!isChanged)
    isChanged = neighbours.change(to: try set([1, 3], ids: [1, 3]))
    #expect(neighbours.members.map(\.id) == [3, 2])
    isChanged = neighbours.tick()
    #expect(!isChanged)
    isChanged = neighbours.tick()
    #expect(isChanged)
    #expect(neighbours.members.map(\.id) == [3])
  }

  @Test func aRotatedCertificateTakesThePlaceOfTheOldOne() throws {
    var neighbours = Neighbours(of: 1, graceTicks: 2)
    _ = neighbours.change(to: try set([1, 2, 3], ids: [1, 2, 3]))
    let isChanged = neighbours.change(to: try set([1, 4, 3], ids: [1, 2, 3]))
    #expect(isChanged)
    #expect(neighbours.members.map(\.id) == [2, 3])
    #expect(neighbours.members[0].serverCertificate == (try serverCertificate(4)))
  }

  @Test func theOthersAreReachedAnewWithACertificateOfThisNodesOwn() throws {
    var neighbours = Neighbours(of: 1, graceTicks: 2)
    _ = neighbours.change(to: try set([1, 2, 3], ids: [1, 2, 3]))
    let isChanged = neighbours.change(to: try set([4, 2, 3], ids: [1, 2, 3]))
    #expect(isChanged)
    #expect(neighbours.own?.clientCertificate == (try serverCertificate(4)))
    // Once it is removed, the others hear of it as whom they knew.
    _ = neighbours.change(to: try set([2, 3], ids: [2, 3]))
    #expect(neighbours.own?.clientCertificate == (try serverCertificate(4)))
  }
}

@Suite struct ActiveNodesTests {
  @Test func everybodyIsToldOnceAfterEachChange() {
    var active = ActiveNodes(refreshTicks: 3)
    #expect(active.metadata(for: 2).isEmpty)
    var isChanged = active.tick([1, 2])
    #expect(isChanged)
    #expect(ActiveNodes.parsed(active.metadata(for: 2)[...]) == [1, 2])
    #expect(active.metadata(for: 2).isEmpty)
    #expect(!active.metadata(for: 3).isEmpty)
    active.notSent(to: 3)
    #expect(!active.metadata(for: 3).isEmpty)
    for _ in 0..<2 {
      isChanged = active.tick([1, 2])
      #expect(active.metadata(for: 2).isEmpty)
    }
    // From time to time, also without a change.
    isChanged = active.tick([1, 2])
    #expect(!isChanged)
    #expect(!active.metadata(for: 2).isEmpty)
    active.reset()
    #expect(active.metadata(for: 3).isEmpty)
  }

  @Test func whatIsNoSuchMessageTellsNothing() {
    #expect(ActiveNodes.parsed([]) == nil)
    #expect(ActiveNodes.parsed([0xFF, 0xFF]) == nil)
  }
}

@Suite struct LeaderTransferTests {
  @Test func anUpdateIsWorthFiveTries() throws {
    var transfer = LeaderTransfer(.update(try message([1])), electionTicks: 2)
    var nodes: [NodeID?] = []
    for _ in 0..<6 { nodes.append(transfer.next([2, 3])) }
    #expect(nodes == [2, 3, 2, 3, 2, nil])
  }

  @Test func aHaltIsWorthOneAndTakesAnElectionTimeout() {
    var transfer = LeaderTransfer(.halt, electionTicks: 2)
    #expect(transfer.next([3, 2]) == 3)
    var hasFailed = transfer.tick()
    #expect(!hasFailed)
    hasFailed = transfer.tick()
    #expect(!hasFailed)
    hasFailed = transfer.tick()
    #expect(hasFailed)
    #expect(transfer.next([3, 2]) == nil)
  }

  @Test func nobodyIsThere() {
    var transfer = LeaderTransfer(.halt, electionTicks: 2)
    #expect(transfer.next([]) == nil)
  }
}

@Suite struct EvictionSuspicionTests {
  @Test func itComesAfterTheThresholdAndAgainAfterEachFurtherOne() {
    var suspicion = EvictionSuspicion(threshold: .seconds(2), tickInterval: .milliseconds(500))
    func looks(_ suspicion: inout EvictionSuspicion, _ ticks: Int) -> [Duration] {
      (0..<ticks).compactMap { _ in suspicion.tick(hasLeader: false) }
    }
    #expect(looks(&suspicion, 3) == [])
    #expect(looks(&suspicion, 1) == [.seconds(2)])
    #expect(looks(&suspicion, 8) == [.seconds(4), .seconds(6)])
    #expect(suspicion.tick(hasLeader: true) == nil)
    #expect(looks(&suspicion, 4) == [.seconds(2)])
  }
}

@Suite struct FirstCampaignTests {
  @Test func oneNodeIsPickedByTheNameOfTheChannel() {
    var picked: Set<NodeID> = []
    for number in 0..<50 {
      let node = FirstCampaign.node(of: "channel\(number)", among: 3)
      #expect((1...3).contains(node))
      picked.insert(node)
    }
    #expect(picked == [1, 2, 3])
    #expect(FirstCampaign.node(of: "c", among: 1) == 1)
    // SHA-256("raftchannel")[24:] as a varint, modulo 3, plus 1.
    #expect(FirstCampaign.node(of: "raftchannel", among: 3) == 1)
  }
}
