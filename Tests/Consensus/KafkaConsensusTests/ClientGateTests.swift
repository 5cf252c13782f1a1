// Where clients wait.

import Ordering
import Testing

@testable import KafkaConsensus

@Suite struct ClientGateTests {
  private let refusal = ChainError.unavailable(channelID: "c", reason: "not yet")

  /// A client that waits at the gate.
  private func waiter(at gate: ClientGate) async -> Task<Void, any Error> {
    let count = gate.waitingCount
    let task = Task { try await gate.pass(channelID: "c") }
    while gate.waitingCount == count { await Task.yield() }
    return task
  }

  @Test func aGateThatIsShutRefuses() async throws {
    let gate = ClientGate(refusal: refusal, isHeld: false)
    #expect(gate.refusal == refusal)
    await #expect(throws: refusal) { try await gate.pass(channelID: "c") }
    gate.open()
    #expect(gate.refusal == nil)
    try await gate.pass(channelID: "c")
  }

  @Test func clientsWaitUntilTheyAreReleased() async throws {
    let gate = ClientGate(refusal: refusal, isHeld: true)
    gate.open()
    let client = await waiter(at: gate)
    gate.release()
    try await client.value
    try await gate.pass(channelID: "c")
  }

  @Test func clientsThatWaitAreRefusedWhenTheGateCloses() async throws {
    let gate = ClientGate(refusal: refusal, isHeld: false)
    gate.open()
    gate.hold()
    let client = await waiter(at: gate)
    gate.close(.halted(channelID: "c"))
    await #expect(throws: ChainError.halted(channelID: "c")) { try await client.value }
  }

  @Test func theFirstReasonForClosingStays() async throws {
    let gate = ClientGate(refusal: refusal, isHeld: false)
    gate.close(.failed(channelID: "c", reason: "broken"))
    gate.close(.halted(channelID: "c"))
    gate.open()
    gate.release()
    #expect(gate.refusal == .failed(channelID: "c", reason: "broken"))
  }

  @Test func whatIsHeldOrReleasedWhileShutHoldsOnceOpen() async throws {
    let gate = ClientGate(refusal: refusal, isHeld: true)
    gate.release()
    gate.open()
    try await gate.pass(channelID: "c")
  }
}
