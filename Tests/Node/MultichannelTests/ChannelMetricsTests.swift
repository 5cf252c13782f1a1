// What an operator can see of a channel: numbers, and why it does not work.

import BlockLedger
import ChannelConfig
import Concurrency
import FabricProtos
import Foundation
import Logging
import Membership
import MessageProcessing
import Metrics
import MetricsTestKit
import Ordering
import SoloConsensus
import Synchronization
import Testing

@testable import Multichannel

@Suite struct ChannelMetricsTests {
  private static let system = "syschannel"
  private let metrics = TestMetrics()
  private let chainTime = ManualTime()
  private let ledgers = RAMLedgerFactory(historySize: 100)

  private func channel(_ registrar: Registrar, _ name: String = system) throws -> Channel {
    guard case .channel(let channel) = registrar.lookUp(name) else {
      throw RegistrarError("no channel \(name)")
    }
    return channel
  }

  private func started() async throws -> Registrar {
    let registrar = try RegistrarTests.registrar(
      ledgers, metrics: metrics, chainTime: chainTime)
    try await registrar.bootstrap(RegistrarTests.genesis("system-solo-v20"))
    try await registrar.initialize()
    return registrar
  }

  private func message(_ sequence: UInt64 = 0) throws -> OrderedMessage {
    OrderedMessage(
      envelope: try EnvelopeView(
        CreationFixture.envelope(.message, channelID: Self.system, data: [1])),
      configSequence: sequence, isConfig: false)
  }

  @Test func blocksAreCountedTimedAndTheirHeightTold() async throws {
    let registrar = try await started()
    let height = try metrics.expectGauge("ledger_blockchain_height", [("channel", Self.system)])
    #expect(height.lastValue == 1)
    for _ in 0..<3 {
      let channel = try channel(registrar)
      let tip = channel.tip.height
      #expect(await channel.order([try message()]) == .all(.taken))
      // The batch is not full, so that its time has to pass.
      await chainTime.waitForSleepers(1)
      chainTime.advance(by: .seconds(60))
      _ = await channel.tip.wait(beyond: tip, heedsErrors: true)
    }
    await registrar.halt()
    #expect(height.lastValue == 4)
    let commits = try metrics.expectTimer(
      "ledger_blockstorage_commit_time", [("channel", Self.system)])
    #expect(commits.values.count == 4)  // the genesis block too
    let fills = try metrics.expectTimer(
      "blockcutter_block_fill_duration", [("channel", Self.system)])
    #expect(fills.values.count == 3)
  }

  @Test func aMessageThatANewerConfigurationRefusesIsCounted() async throws {
    let registrar = try await started()
    let channel = try channel(registrar)
    let update = try CreationFixture.capabilityUpdate(of: channel.bundle, adding: "V1_3")
    // Nobody has signed the message, which shows when it is looked at again after the update.
    #expect(await channel.configure(update) == .taken)
    #expect(await channel.order([try message()]) == .all(.taken))
    await registrar.halt()
    #expect(channel.bundle.sequence == 1)
    #expect(
      metrics.counterTotal(
        label: "heddle_orderer_messages_dropped_count",
        dimensions: [("channel", Self.system), ("reason", "invalidated")]) == 1)
  }

  @Test func aHaltedChannelSaysWhyAndWhatToDo() async throws {
    let registrar = try await started()
    let channel = try channel(registrar)
    #expect(channel.problem == nil)
    channel.tip.suspend("no Kafka broker can be reached")
    #expect(channel.problem?.contains("no Kafka broker can be reached") == true)
    #expect(channel.problem?.contains("no restart is needed") == true)
    channel.tip.recover()
    #expect(channel.problem == nil)
    channel.tip.fail("the disk is gone")
    #expect(channel.problem?.contains("the disk is gone") == true)
    #expect(channel.problem?.contains("restart the orderer") == true)
  }

  @Test func channelsAreToldAsTheyBecomeKnown() async throws {
    let told = Mutex<[String: Bool]>([:])
    _ = try await ledgers.openOrCreate("broken").append(
      Block(
        header: BlockHeader(number: 0, previousHash: [], dataHash: RegistrarTests.hash([9])),
        data: [[9]], metadata: []))
    let system = try await ledgers.openOrCreate(Self.system)
    try await system.append(RegistrarTests.genesis("system-solo-v20"))
    let registrar = try RegistrarTests.registrar(ledgers) { name, entry in
      let works = if case .channel = entry { true } else { false }
      told.withLock { $0[name] = works }
    }
    try await registrar.initialize()
    #expect(told.withLock { $0 } == ["broken": false, Self.system: true])
  }

  @Test func aSystemChannelThatIsNotAvailableIsNotCalledUndefined() async throws {
    let system = try await ledgers.openOrCreate(Self.system)
    try await system.append(RegistrarTests.genesis("system-kafka-v20"))
    let registrar = try RegistrarTests.registrar(ledgers)
    try await registrar.initialize()
    let envelope = try EnvelopeView(
      CreationFixture.envelope(.configUpdate, channelID: "new", data: []))
    #expect {
      try registrar.broadcastChannel(for: envelope)
    } throws: { error in
      let text = "\(error)"
      return error is ChannelUnavailable && text.contains(Self.system)
        && text.contains("consenter of type: kafka") && text.contains("it is the system channel")
    }
  }

  @Test func aLedgerThatCannotBeReadMayBeTheSystemChannels() async throws {
    _ = try await ledgers.openOrCreate("broken").append(
      Block(
        header: BlockHeader(number: 0, previousHash: [], dataHash: RegistrarTests.hash([9])),
        data: [[9]], metadata: []))
    let registrar = try RegistrarTests.registrar(ledgers)
    try await registrar.initialize()
    let envelope = try EnvelopeView(
      CreationFixture.envelope(.configUpdate, channelID: "new", data: []))
    #expect {
      try registrar.broadcastChannel(for: envelope)
    } throws: {
      "\($0)".contains("channel broken is not available")
        && "\($0)".contains("it may be the system channel")
    }
  }

  @Test func withoutAnyLedgerTheSystemChannelIsNotDefined() async throws {
    let registrar = try RegistrarTests.registrar(ledgers)
    try await registrar.initialize()
    let envelope = try EnvelopeView(
      CreationFixture.envelope(.configUpdate, channelID: "new", data: []))
    #expect {
      try registrar.broadcastChannel(for: envelope)
    } throws: {
      "\($0)".contains("system channel is not defined")
    }
  }
}
