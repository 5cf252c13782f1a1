// Asks an orderer how far a channel is.

import FabricCrypto
import Foundation
import NIOCore

/// Short questions before and after a run.
struct OrdererProbe {
  let target: BenchmarkTarget
  let dialer: any LoadDialer
  let now: Date

  /// Blocks of a channel.
  ///
  /// - Throws: if the orderer does not give its newest one.
  func height(of channel: String) async throws -> UInt64 {
    let connection = try await dialer.connect(to: target.addresses[0])
    defer { connection.close() }
    return try await height(of: channel, on: connection)
  }

  func height(of channel: String, on connection: any LoadConnection) async throws -> UInt64 {
    let stream = try await connection.openStream(OrdererMethod.deliver)
    defer { stream.cancel() }
    try await stream.send([ByteBuffer(bytes: try seek(channel, .newest))])
    while let messages = try await stream.nextMessages() {
      for message in messages {
        switch try DeliverAnswer(message) {
        case .block(let number, _, _): return number + 1
        case .status(let status):
          throw BenchmarkError("Deliver on channel \(channel) ended with status \(status)")
        }
      }
    }
    throw BenchmarkError("Deliver on channel \(channel) ended without a block")
  }

  /// A signed request for blocks.
  func seek(_ channel: String, _ range: SeekRange) throws -> [UInt8] {
    var hash: [UInt8] = []
    if let tls = target.tls, let certificate = PEM.decodeFirst(tls.certificate[...]) {
      hash = SHA256Digest.hash(certificate.block.der)
    }
    return try SeekRequest(
      channel: channel, client: target.client, tlsCertificateHash: hash,
      seconds: Int64(now.timeIntervalSince1970)
    ).envelope(range)
  }
}
