// What a refusal tells the client.

import FabricProtos
import Testing

@testable import MessageProcessing

@Suite struct ProcessingErrorTests {
  @Test func `every refusal has the status that clients know it by`() {
    let cases: [(ProcessingError, Common_Status)] = [
      (.badRequest("x"), .badRequest), (.forbidden("x"), .forbidden),
      (.channelNotFound("x"), .notFound), (.maintenance("x"), .serviceUnavailable),
      (.internalFailure("x"), .internalServerError),
    ]
    for (error, status) in cases {
      #expect(error.status == status)
      #expect(error.during("trying").status == status)
      #expect(!error.reason.isEmpty)
    }
  }
}
