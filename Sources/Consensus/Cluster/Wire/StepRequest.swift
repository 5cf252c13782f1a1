// What one orderer sends another: a StepRequest, read without copying what it carries.

import FabricProtos
import Ordering

/// A message of the Step service (Fabric: `orderer.StepRequest`). The parts are slices of the bytes that arrived.
enum StepRequest: Equatable {
  case consensus(ConsensusRequest)
  case submit(SubmitRequest)
  /// It is neither, perhaps of a kind that is not known here.
  case neither

  /// A message of a channel's consensus protocol.
  struct ConsensusRequest: Equatable {
    var channel = ""
    var payload: ArraySlice<UInt8> = []
    var metadata: ArraySlice<UInt8> = []
  }

  /// A client's message that is handed to the leader.
  struct SubmitRequest: Equatable {
    var channel = ""
    /// The sequence of the configuration that it was validated against.
    var lastValidationSequence: UInt64 = 0
    /// The serialized envelope; nil if there is none.
    var envelope: ArraySlice<UInt8>?
    /// What the sender tells of the message's place among those that it hands on: all 0 if it does not.
    var life: UInt64 = 0
    var term: UInt64 = 0
    var number: UInt64 = 0

    var origin: SubmissionOrigin? {
      guard life != 0, number != 0 else { return nil }
      return SubmissionOrigin(life: life, term: term, series: 0, number: number)
    }
  }

  /// It is not a StepRequest.
  struct Malformed: Error {}

  /// The channel that the message is for.
  var channel: String {
    switch self {
    case .consensus(let request): request.channel
    case .submit(let request): request.channel
    case .neither: ""
    }
  }

  /// Reads a message as Go does: unknown fields are skipped, the last of two values counts.
  init(_ bytes: [UInt8]) throws(Malformed) {
    do throws(Undecided) {
      self = try Self.read(bytes)
    } catch {
      guard error == .repeated else { throw Malformed() }
      self = try Self.merged(bytes)
    }
  }

  /// Why a message could not be read in one go.
  private enum Undecided: Error {
    case malformed
    /// A nested message occurs twice, which protobuf wants merged.
    case repeated
  }

  private static func read(_ bytes: [UInt8]) throws(Undecided) -> StepRequest {
    var request: StepRequest?
    var reader = WireReader(bytes, 0..<bytes.count)
    while let field = try next(&reader) {
      guard field.isBytes(1) || field.isBytes(2) else { continue }
      guard request == nil else { throw .repeated }
      request =
        field.number == 1
        ? .consensus(try consensus(bytes, field.range)) : .submit(try submit(bytes, field.range))
    }
    return request ?? .neither
  }

  private static func consensus(
    _ bytes: [UInt8], _ range: Range<Int>
  ) throws(Undecided) -> ConsensusRequest {
    var request = ConsensusRequest()
    var reader = WireReader(bytes, range)
    while let field = try next(&reader) {
      if field.isBytes(1) {
        request.channel = try text(bytes[field.range])
      } else if field.isBytes(2) {
        request.payload = bytes[field.range]
      } else if field.isBytes(3) {
        request.metadata = bytes[field.range]
      }
    }
    return request
  }

  private static func submit(
    _ bytes: [UInt8], _ range: Range<Int>
  ) throws(Undecided) -> SubmitRequest {
    var request = SubmitRequest()
    var reader = WireReader(bytes, range)
    while let field = try next(&reader) {
      if field.isBytes(1) {
        request.channel = try text(bytes[field.range])
      } else if field.isVarint(2) {
        request.lastValidationSequence = field.varint
      } else if field.isBytes(3) {
        guard request.envelope == nil else { throw .repeated }
        request.envelope = bytes[field.range]
      } else if field.isVarint(StepFrame.OriginField.life) {
        request.life = field.varint
      } else if field.isVarint(StepFrame.OriginField.term) {
        request.term = field.varint
      } else if field.isVarint(StepFrame.OriginField.number) {
        request.number = field.varint
      }
    }
    return request
  }

  private static func next(_ reader: inout WireReader) throws(Undecided) -> WireReader.Field? {
    do { return try reader.next() } catch { throw .malformed }
  }

  private static func text(_ bytes: ArraySlice<UInt8>) throws(Undecided) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed }
    return text
  }

  /// Reads a message in which something occurs twice. No orderer writes such a one.
  private static func merged(_ bytes: [UInt8]) throws(Malformed) -> StepRequest {
    let canonical: [UInt8]
    do {
      canonical = try Orderer_StepRequest(serializedBytes: bytes).serializedBytes()
    } catch { throw Malformed() }
    do throws(Undecided) { return try read(canonical) } catch { throw Malformed() }
  }
}
