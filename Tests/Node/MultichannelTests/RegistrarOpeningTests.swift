// Ledgers that take long to be opened, or cannot be opened at first.

import BlockLedger
import Concurrency
import FabricProtos
import Synchronization
import Testing

@testable import Multichannel

@Suite struct RegistrarOpeningTests {
  private let time = ManualTime()
  private let noRoom = LedgerError.storage(.noSpace(path: "late", operation: "open"))
  private let ledgers = GatedLedgers(channelID: "late")

  /// A registrar that has opened a system channel, while the ledger `late` is being opened.
  private func started() async throws -> Registrar {
    let system = try await ledgers.openOrCreate("syschannel")
    try await system.append(RegistrarTests.genesis("system-solo-v20"))
    try await ledgers.create(CreationFixture.genesisBlock(named: "late"))
    let registrar = try RegistrarTests.registrar(ledgers, time: time)
    async let initialized: Void = registrar.initialize()
    await time.waitForSleepers(1)
    time.advance(by: Registrar.patience)
    try await initialized
    return registrar
  }

  private func isServed(_ registrar: Registrar) async {
    await registrar.map.wait { map in
      if case .ordering = map.states["late"] { () } else { nil }
    }
  }

  private func reason(_ registrar: Registrar) -> String? {
    guard case .unavailable(let reason) = registrar.lookUp("late") else { return nil }
    return reason
  }

  @Test func aSlowLedgerIsServedWhenItIsOpen() async throws {
    let registrar = try await started()
    #expect(reason(registrar) == "its ledger is being opened")
    #expect(registrar.channels().map(\.id) == ["syschannel"])
    ledgers.succeed()
    await isServed(registrar)
    await registrar.halt()
  }

  @Test func aLedgerThatFindsNoRoomIsTriedAgainUntilThereIsSome() async throws {
    let registrar = try await started()
    ledgers.fail(with: noRoom)
    for wait in [1, 2, 4] {
      await time.waitForSleepers(1)
      #expect(reason(registrar)?.contains("late") == true)
      let attempts = ledgers.attempts
      // Not a moment earlier than the wait is over.
      time.advance(by: .seconds(wait) - .milliseconds(1))
      #expect(ledgers.attempts == attempts)
      time.advance(by: .milliseconds(1))
      await ledgers.waitForAttempts(attempts + 1)
    }
    await time.waitForSleepers(1)
    ledgers.succeed()
    time.advance(by: .seconds(8))
    await isServed(registrar)
    await registrar.halt()
  }

  @Test func aLedgerThatCannotBeOpenedAtAllIsNotTriedAgain() async throws {
    let registrar = try await started()
    ledgers.fail(with: noRoom)
    await time.waitForSleepers(1)
    ledgers.fail(with: .halted(channel: "late", reason: "the fsync failed"))
    time.advance(by: .seconds(1))
    await registrar.map.wait { map in
      if case .failed = map.states["late"] { () } else { nil }
    }
    #expect(reason(registrar)?.contains("the fsync failed") == true)
    await registrar.halt()
  }

  @Test func aHaltEndsTheAttempts() async throws {
    let registrar = try await started()
    ledgers.fail(with: noRoom)
    await time.waitForSleepers(1)
    let attempts = ledgers.attempts
    await registrar.halt()
    // Whoever has waited for the time is gone, so that nothing is left to try again.
    await time.waitUntilNobodySleeps()
    time.advance(by: .seconds(60))
    #expect(ledgers.attempts == attempts)
  }

  @Test func aCreationWaitsForWhatAnEarlierAttemptLeft() async throws {
    let registrar = try await started()
    let genesis = try #require(try CreationFixture.genesisBlock(named: "late").data.first)
    async let created: Void = registrar.createChannel(EnvelopeView(genesis))
    await registrar.map.waitForWaiters(1)
    ledgers.succeed()
    try await created
    #expect(registrar.channels().map(\.id).sorted() == ["late", "syschannel"])
    await registrar.halt()
  }

  @Test func aCreationTellsThatTheLedgerCannotBeOpenedForNow() async throws {
    let registrar = try await started()
    let genesis = try #require(try CreationFixture.genesisBlock(named: "late").data.first)
    let creation = Task { try await registrar.createChannel(EnvelopeView(genesis)) }
    await registrar.map.waitForWaiters(1)
    ledgers.fail(with: noRoom)
    let error = await #expect(throws: LedgerNotOpen.self) { try await creation.value }
    #expect(error?.mayPass == true)
    #expect(error?.reason == "\(noRoom)")
    await registrar.halt()
  }

  @Test func noCreationLooksDoneOnceTheOrdererStops() async throws {
    let registrar = try await started()
    ledgers.fail(with: noRoom)
    await time.waitForSleepers(1)
    let genesis = try #require(try CreationFixture.genesisBlock(named: "late").data.first)
    await registrar.halt()
    await #expect {
      try await registrar.createChannel(EnvelopeView(genesis))
    } throws: {
      "\($0)".contains("stops before channel late is opened")
    }
  }

  @Test func aHaltEndsACreationThatWaits() async throws {
    let registrar = try await started()
    let genesis = try #require(try CreationFixture.genesisBlock(named: "late").data.first)
    let creation = Task { try await registrar.createChannel(EnvelopeView(genesis)) }
    await registrar.map.waitForWaiters(1)
    await registrar.halt()
    await #expect {
      try await creation.value
    } throws: {
      "\($0)".contains("stops before channel late is opened")
    }
  }

  @Test func channelsAreOpenedOnce() async throws {
    let registrar = try await started()
    await #expect(throws: RegistrarError.self) { try await registrar.initialize() }
    await registrar.halt()
  }
}

extension Watched {
  /// Returns once this many wait. For tests, which have no other sign that somebody waits.
  fileprivate func waitForWaiters(_ count: Int) async {
    while waiterCount < count { await Task.yield() }
  }
}

extension ManualTime {
  /// Returns once nobody sleeps any more.
  fileprivate func waitUntilNobodySleeps() async {
    while nextAlarm != nil { await Task.yield() }
  }
}

/// Ledgers in memory, one of which is opened only when the test says so.
private final class GatedLedgers: LedgerFactory {
  private struct State {
    /// What comes of an attempt to open the ledger; nil while that is open.
    var outcome: Result<Void, LedgerError>?
    var attempts = 0
  }

  private let channelID: String
  private let ledgers = RAMLedgerFactory(historySize: 100)
  private let state = Watched(State())
  private let exists = Atomic<Bool>(false)

  init(channelID: String) { self.channelID = channelID }

  /// Attempts to open the ledger that have come to an end.
  var attempts: Int { state.read { $0.attempts } }

  func waitForAttempts(_ count: Int) async {
    await state.wait { $0.attempts >= count ? () : nil }
  }

  func create(_ genesis: Block) async throws {
    try await ledgers.openOrCreate(channelID).append(genesis)
    exists.store(true, ordering: .releasing)
  }

  func succeed() { state.change { $0.outcome = .success(()) } }
  func fail(with error: LedgerError) { state.change { $0.outcome = .failure(error) } }

  func channelIDs() throws(LedgerError) -> [String] {
    try ledgers.channelIDs().filter { $0 != channelID }
      + (exists.load(ordering: .acquiring) ? [channelID] : [])
  }

  func openOrCreate(_ channelID: String) async throws(LedgerError) -> any BlockStore {
    if channelID == self.channelID {
      let outcome = await state.wait { state in
        guard let outcome = state.outcome else { return nil as Result<Void, LedgerError>? }
        state.attempts += 1
        return outcome
      }
      try outcome.get()
    }
    return try await ledgers.openOrCreate(channelID)
  }

  func remove(_ channelID: String, rest: @Sendable () async throws -> Void) async throws {
    try await ledgers.remove(channelID, rest: rest)
  }

  func close() async { await ledgers.close() }
}
