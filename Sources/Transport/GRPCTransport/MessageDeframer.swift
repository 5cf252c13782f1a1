// Length-prefixed messages out of the bytes of DATA frames, each copied once, into its own array.

import NIOCore

/// Splits a stream's bytes into messages: a flag byte, four bytes of length, the message (gRPC over
/// HTTP/2, "Length-Prefixed-Message").
struct MessageDeframer {
  private enum Phase {
    /// Collecting the five bytes of a prefix → body.
    case prefix
    /// Collecting a message that did not arrive in one piece → prefix.
    case body
    /// The stream broke the rules; nothing follows.
    case failed
  }

  /// A message's first allocation goes no further than this, and each one after it no further than twice
  /// what has arrived: announcing a large message costs nothing.
  static let firstReservation = 64 * 1024
  private static let prefixLength = 5

  private let maximumMessageBytes: Int
  private var phase = Phase.prefix
  private var prefix: UInt64 = 0
  private var prefixCount = 0
  private var body: [UInt8] = []
  private var bodyLength = 0

  init(maximumMessageBytes: Int) {
    self.maximumMessageBytes = maximumMessageBytes
  }

  /// Bytes of the message that is not yet complete, its prefix included.
  var pendingBytes: Int {
    switch phase {
    case .prefix: prefixCount
    case .body: Self.prefixLength + body.count
    case .failed: 0
    }
  }

  /// Memory reserved for that message beyond what has arrived of it.
  var spareBytes: Int { body.capacity - body.count }

  /// Appends the messages that `buffer` completes to `messages`.
  ///
  /// - Throws: the status with which the stream must end, in the words of Go's gRPC. Messages
  ///   before the offending one have been appended.
  mutating func append(_ buffer: ByteBuffer, to messages: inout [[UInt8]]) throws(GRPCStatus) {
    let failure: GRPCStatus? = buffer.withUnsafeReadableBytes { bytes in
      do throws(GRPCStatus) {
        try consume(bytes, into: &messages)
        return nil
      } catch {
        return error
      }
    }
    if let failure {
      phase = .failed
      body = []
      throw failure
    }
  }

  private mutating func consume(
    _ bytes: UnsafeRawBufferPointer, into messages: inout [[UInt8]]
  ) throws(GRPCStatus) {
    var offset = 0
    while true {
      switch phase {
      case .failed:
        return
      case .prefix:
        while prefixCount < Self.prefixLength {
          guard offset < bytes.count else { return }
          prefix = prefix << 8 | UInt64(bytes[offset])
          prefixCount += 1
          offset += 1
        }
        bodyLength = try messageLength(prefix: prefix)
        prefix = 0
        prefixCount = 0
        if bytes.count - offset >= bodyLength {
          let message = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + bodyLength])
          messages.append([UInt8](message))
          offset += bodyLength
        } else {
          phase = .body
        }
      case .body:
        let wanted = min(bodyLength - body.count, bytes.count - offset)
        makeRoom(for: wanted)
        body.append(
          contentsOf: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + wanted]))
        offset += wanted
        guard body.count == bodyLength else { return }
        messages.append(body)
        body = []
        phase = .prefix
      }
    }
  }

  /// Grows by doubling, at the end to the message's exact length.
  private mutating func makeRoom(for bytes: Int) {
    let needed = body.count + bytes
    guard needed > body.capacity else { return }
    body.reserveCapacity(min(bodyLength, max(needed, 2 * body.capacity, Self.firstReservation)))
  }

  private func messageLength(prefix: UInt64) throws(GRPCStatus) -> Int {
    switch prefix >> 32 {
    case 0:
      break
    case 1:
      throw GRPCStatus(
        .internalError, "grpc: compressed flag set with identity or empty encoding")
    case let flag:
      throw GRPCStatus(.internalError, "grpc: received unexpected payload format \(flag)")
    }
    let length = Int(prefix & 0xffff_ffff)
    guard length <= maximumMessageBytes else {
      throw GRPCStatus(
        .resourceExhausted,
        "grpc: received message larger than max (\(length) vs. \(maximumMessageBytes))")
    }
    return length
  }
}
