// Which status a client gets for which error.

import BlockLedger
import FabricProtos
import MessageProcessing
import Multichannel
import Testing

@testable import AtomicBroadcast

@Suite struct BroadcastIntakeTests {
  private struct Surprise: Error {}

  private func end(of error: any Error) throws -> BroadcastRefusal {
    let envelope = try EnvelopeView(Client.ordererAdmin().envelope())
    guard case .refused(let refusal) = BroadcastIntake.refusal(of: envelope, for: error) else {
      throw error
    }
    return refusal
  }

  @Test func whatNobodyForesawIsThisNodesFault() throws {
    let errors: [any Error] = [
      Surprise(), EnvelopeError.missingHeader, LedgerError.closed(channel: "a"),
      RegistrarError("?"), CancellationError(),
    ]
    for error in errors {
      #expect(try end(of: error).status == .internalServerError, "\(error)")
    }
  }

  @Test func whatIsForeseenKeepsItsStatus() throws {
    let cases: [(any Error, Common_Status)] = [
      (ProcessingError.badRequest("x"), .badRequest),
      (ProcessingError.forbidden("x"), .forbidden),
      (ProcessingError.channelNotFound("x"), .notFound),
      (ProcessingError.maintenance("x"), .serviceUnavailable),
      (ProcessingError.internalFailure("x"), .internalServerError),
      (ChannelUnavailable(channelID: "a", reason: "x"), .serviceUnavailable),
    ]
    for (error, status) in cases {
      let refusal = try end(of: error)
      #expect(refusal.status == status)
      #expect(refusal.channelID == World.systemChannel)
    }
  }

  @Test func aMessageWithoutAHeaderIsTheClientsFault() async throws {
    let intake = BroadcastIntake(registrar: try await World().registrar)
    #expect(throws: BroadcastEnd.malformed) { _ = try intake.identify([0xFF, 0xFF]) }
    #expect {
      _ = try intake.identify([])
    } throws: { error in
      guard case .refused(let refusal) = error as? BroadcastEnd else { return false }
      return refusal.status == .badRequest && refusal.channelID == nil
        && refusal.reason.hasPrefix("could not determine channel ID: ")
    }
  }
}
