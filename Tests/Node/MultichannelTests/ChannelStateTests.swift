// What can become of a channel, and what cannot.

import Ordering
import Testing

@testable import Multichannel

private typealias State = ChannelState<String, String>

@Suite struct ChannelStateTests {
  private static let active = ParticipationStatus(relation: .consenter, status: .active)
  private static let inactive = ParticipationStatus(relation: .other, status: .inactive)

  private static let states: [State] = [
    .opening(obstacle: nil), .opening(obstacle: "no room"), .joining, .following("follower"),
    .ordering("chain"), .tracking("chain"), .awaitingRestart(height: 1), .failed(reason: "damage"),
    .beingRemoved(.underWay(was: active)),
    .beingRemoved(.failed(was: active, reason: "busy")),
  ]

  /// An event, and the name of what each state becomes by it. What is not named must refuse it.
  private struct Event: Sendable {
    let name: String
    let apply: @Sendable (inout State) throws(IllegalTransition) -> Void
    let becomes: [String: String]
  }

  private static let events = [
    Event(
      name: "obstructOpening",
      apply: { state throws(IllegalTransition) in try state.obstructOpening("x") },
      becomes: ["being opened": "being opened"]),
    Event(
      name: "follow", apply: { state throws(IllegalTransition) in try state.follow("x") },
      becomes: [
        "being opened": "followed", "being joined": "followed", "ordered here": "followed",
      ]),
    Event(
      name: "order", apply: { state throws(IllegalTransition) in try state.order("x") },
      becomes: [
        "being opened": "ordered here", "being joined": "ordered here",
        "followed": "ordered here", "tracked": "ordered here",
      ]),
    Event(
      name: "track", apply: { state throws(IllegalTransition) in try state.track("x") },
      becomes: ["being opened": "tracked", "followed": "tracked", "ordered here": "tracked"]),
    Event(
      name: "awaitRestart",
      apply: { state throws(IllegalTransition) in try state.awaitRestart(height: 1) },
      becomes: ["being joined": "waiting for a restart"]),
    Event(
      name: "fail", apply: { state throws(IllegalTransition) in try state.fail("x") },
      becomes: [
        "being opened": "unusable", "followed": "unusable", "ordered here": "unusable",
        "tracked": "unusable", "unusable": "unusable",
      ]),
    Event(
      name: "remove",
      apply: { state throws(IllegalTransition) in try state.remove(was: active) },
      becomes: [
        "followed": "being removed", "ordered here": "being removed", "unusable": "being removed",
        "tracked": "being removed", "waiting for a restart": "being removed",
        "not fully removed": "being removed",
      ]),
    Event(
      name: "failRemoval", apply: { state throws(IllegalTransition) in try state.failRemoval("x") },
      becomes: ["being joined": "not fully removed", "being removed": "not fully removed"]),
    Event(
      name: "forget",
      apply: { state throws(IllegalTransition) in try state.checkCanBeForgotten() },
      becomes: [
        "being opened": "being opened", "being joined": "being joined",
        "being removed": "being removed",
      ]),
  ]

  @Test func everyEventHasItsWayInEveryState() {
    for event in Self.events {
      for state in Self.states {
        var changed = state
        do throws(IllegalTransition) {
          try event.apply(&changed)
          #expect(changed.name == event.becomes[state.name], "\(event.name) while \(state.name)")
        } catch {
          #expect(event.becomes[state.name] == nil, "\(event.name) while \(state.name)")
          #expect(changed.name == state.name, "a refused event changes nothing")
          #expect(error.description.contains(state.name))
        }
      }
    }
  }

  @Test func theFirstReasonOfAFailureStays() throws {
    var state = State.opening(obstacle: "no room")
    try state.fail("first")
    try state.fail("second")
    guard case .failed("first") = state else {
      Issue.record("\(state)")
      return
    }
  }

  @Test func anEvictedOrdererFollowsAndMayComeBack() throws {
    var state = State.ordering("chain")
    try state.follow("follower")
    guard case .following("follower") = state else {
      Issue.record("\(state)")
      return
    }
    try state.order("another chain")
    guard case .ordering("another chain") = state else {
      Issue.record("\(state)")
      return
    }
  }

  @Test func aRemovalThatFailedIsAskedForAgain() throws {
    var state = State.failed(reason: "damage")
    try state.remove(was: Self.active)
    #expect(throws: IllegalTransition.self) { try state.remove(was: Self.inactive) }
    try state.failRemoval("busy")
    guard case .beingRemoved(.failed(Self.active, "busy")) = state else {
      Issue.record("\(state)")
      return
    }
    #expect(throws: IllegalTransition.self) { try state.checkCanBeForgotten() }
    try state.remove(was: Self.inactive)
    guard case .beingRemoved(.underWay(Self.active)) = state else {
      Issue.record("\(state)")
      return
    }
    try state.checkCanBeForgotten()
  }
}

@Suite struct RegistrarLifeTests {
  @Test func itGoesOneWay() throws {
    var life = RegistrarLife.made
    try life.open()
    life.serve()
    #expect(life == .serving)
    #expect(throws: RegistrarError.self) { try life.open() }
    life.halt()
    life.serve()
    #expect(life == .halted)
    #expect(throws: RegistrarError.self) { try life.open() }
  }

  @Test func aHaltDuringTheOpeningIsNotForgotten() throws {
    var life = RegistrarLife.made
    try life.open()
    life.halt()
    life.serve()
    #expect(life == .halted)
  }
}
