// What goes to other orderers, and what comes from them.

import FabricProtos
import Foundation
import ProcessingFixtures
import ReplicationFixtures
import TestSupport
import Testing

@testable import Replication

@Suite struct WireTests {
  private func requests() throws -> SeekRequests {
    SeekRequests(signer: try TestIdentity.ordererNode(), now: { testTime })
  }

  private struct Connection: DeliverConnection {
    let tlsCertificateHash: [UInt8] = [1, 2, 3]
    func deliver(_ request: [UInt8]) async throws -> any DeliverStream { throw CancellationError() }
    func close() {}
  }

  private func seek(_ request: [UInt8]) throws -> Orderer_SeekInfo {
    let envelope = try EnvelopeView(request)
    #expect(envelope.channelID == "mychannel")
    #expect(envelope.headerType == Int32(Common_HeaderType.deliverSeekInfo.rawValue))
    #expect(Array(envelope.tlsCertificateHash) == [1, 2, 3])
    #expect(envelope.timestamp?.seconds == Int64(testTime.timeIntervalSince1970))
    let identity = try TestIdentity.ordererNode()
    let header = try Common_SignatureHeader(serializedBytes: Array(envelope.signatureHeader))
    #expect([UInt8](header.creator) == identity.serializedIdentity)
    #expect(header.nonce.count == 24)
    #expect(
      identity.key.publicKey.isValid(signature: envelope.signature, for: envelope.payload))
    return try Orderer_SeekInfo(serializedBytes: Array(envelope.data))
  }

  @Test func heightsAreAskedForWithoutData() throws {
    let seek = try seek(try requests().newest(of: "mychannel", for: Connection()))
    #expect(seek.start.newest == Orderer_SeekNewest())
    #expect(seek.stop.specified.number == .max)
    #expect(seek.behavior == .blockUntilReady)
    #expect(seek.errorResponse == .bestEffort)
    #expect(seek.contentType == .headerWithSig)
  }

  @Test func blocksAreAskedForWithAllThatFollow() throws {
    let seek = try seek(try requests().blocks(of: "mychannel", from: 5, for: Connection()))
    #expect(seek.start.specified.number == 5)
    #expect(seek.stop.specified.number == .max)
    #expect(seek.behavior == .blockUntilReady)
    #expect(seek.errorResponse == .bestEffort)
  }

  @Test func oneBlockIsAskedForAlone() throws {
    let seek = try seek(try requests().block(5, of: "mychannel", for: Connection()))
    #expect(seek.start.specified.number == 5)
    #expect(seek.stop.specified.number == 5)
    #expect(seek.behavior == .failIfNotReady)
  }

  @Test func answersAreBlocksOrStatuses() throws {
    let block = try MadeChain().blocks[0]
    let bytes = block.serialized()
    let response: [UInt8] = try Orderer_DeliverResponse.with {
      $0.block = try Common_Block(serializedBytes: bytes)
    }.serializedBytes()
    #expect(try DeliverAnswer(response) == .block(block, bytes: bytes.count))
    for status in [Common_Status.success, .forbidden, .notFound, .UNRECOGNIZED(777)] {
      let response: [UInt8] = try Orderer_DeliverResponse.with { $0.status = status }
        .serializedBytes()
      #expect(try DeliverAnswer(response) == .status(status))
    }
    for bytes in [[], [0x12], [0x12, 0x00], [0x0A, 0x05, 1], [0x12, 0x02, 0x12, 0x00]] as [[UInt8]]
    {
      #expect(throws: NotAnAnswer.self, "\(bytes)") { try DeliverAnswer(bytes) }
    }
  }

  @Test func noBytesCrashTheReader() throws {
    let block = try MadeChain().blocks[0]
    let whole: [UInt8] = try Orderer_DeliverResponse.with {
      $0.block = try Common_Block(serializedBytes: block.serialized())
    }.serializedBytes()
    var random = SplitMix64(seed: 11)
    for _ in 0..<3_000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<min(80, bytes.count), using: &random)
        bytes[place] = UInt8.random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random) {
        bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
      }
      _ = try? DeliverAnswer(bytes)
    }
  }
}
