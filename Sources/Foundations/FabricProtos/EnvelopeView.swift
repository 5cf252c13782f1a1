// The hot path's view of an envelope: where its parts lie within the bytes that arrived.

/// Why bytes are not an envelope that can be routed to a channel.
package enum EnvelopeError: Error, Equatable, CustomStringConvertible {
  /// Not a valid message of the named type.
  case malformed(String)
  /// `payload` is empty or holds no header.
  case missingHeader

  package var description: String {
    switch self {
    case .malformed(let message): "the \(message) is not a valid protobuf message"
    case .missingHeader: "the payload of the envelope has no header"
    }
  }
}

/// A signed envelope, kept as the bytes it arrived in.
///
/// All layers down to the channel header are walked once, at creation; the parts are slices of
/// ``bytes`` and cost no copy. Repeated fields follow protobuf's rule that the last one counts.
package struct EnvelopeView: Sendable {
  /// The serialized `common.Envelope`.
  package let bytes: [UInt8]
  /// `ChannelHeader.type`, a value of `common.HeaderType` or any other number.
  package let headerType: Int32
  /// `ChannelHeader.channel_id`.
  package let channelID: String
  /// `ChannelHeader.timestamp` in seconds since 1970 and nanoseconds; nil if it was not set.
  package let timestamp: (seconds: Int64, nanos: Int32)?

  private let payloadRange: Range<Int>
  private let signatureRange: Range<Int>
  private let channelHeaderRange: Range<Int>
  private let signatureHeaderRange: Range<Int>
  private let dataRange: Range<Int>
  private let tlsHashRange: Range<Int>

  /// The serialized `common.Payload`, which is what the signature covers.
  package var payload: ArraySlice<UInt8> { bytes[payloadRange] }
  /// The signature over ``payload``.
  package var signature: ArraySlice<UInt8> { bytes[signatureRange] }
  /// The serialized `common.ChannelHeader`.
  package var channelHeader: ArraySlice<UInt8> { bytes[channelHeaderRange] }
  /// The serialized `common.SignatureHeader`; may be empty, and is not checked yet.
  package var signatureHeader: ArraySlice<UInt8> { bytes[signatureHeaderRange] }
  /// `Payload.data`.
  package var data: ArraySlice<UInt8> { bytes[dataRange] }
  /// `ChannelHeader.tls_cert_hash`.
  package var tlsCertificateHash: ArraySlice<UInt8> { bytes[tlsHashRange] }

  /// Finds the parts of a serialized envelope.
  ///
  /// - Throws: ``EnvelopeError`` if the envelope, its payload or its channel header is malformed, or
  ///   if there is no header.
  package init(_ bytes: [UInt8]) throws(EnvelopeError) {
    self.bytes = bytes
    (payloadRange, signatureRange) = try Self.twoFields(bytes, 0..<bytes.count, of: "envelope")

    var hasHeader = false
    var channelHeader = 0..<0
    var signatureHeader = 0..<0
    var data = 0..<0
    do {
      var reader = WireReader(bytes, payloadRange)
      while let field = try reader.next() {
        if field.isBytes(1) {
          hasHeader = true
          var inner = WireReader(bytes, field.range)
          while let part = try inner.next() {
            if part.isBytes(1) {
              channelHeader = part.range
            } else if part.isBytes(2) {
              signatureHeader = part.range
            }
          }
        } else if field.isBytes(2) {
          data = field.range
        }
      }
    } catch { throw .malformed("payload") }
    guard hasHeader else { throw .missingHeader }
    channelHeaderRange = channelHeader
    signatureHeaderRange = signatureHeader
    dataRange = data

    var type: Int32 = 0
    var channel = 0..<0
    var tlsHash = 0..<0
    var time: (seconds: Int64, nanos: Int32)?
    do {
      var reader = WireReader(bytes, channelHeader)
      while let field = try reader.next() {
        if field.isVarint(1) {
          type = Int32(truncatingIfNeeded: field.varint)
        } else if field.isBytes(3) {
          time = try Self.timestamp(bytes, field.range, over: time ?? (0, 0))
        } else if field.isBytes(4) || field.isBytes(5) {
          guard WireReader.isUTF8(bytes, field.range) else { throw WireReader.Malformed() }
          if field.number == 4 { channel = field.range }
        } else if field.isBytes(8) {
          tlsHash = field.range
        }
      }
    } catch { throw .malformed("channel header") }
    headerType = type
    channelID = String(decoding: bytes[channel], as: UTF8.self)
    tlsHashRange = tlsHash
    timestamp = time
  }

  /// Takes bytes that only have to be an envelope, whatever its payload: the header is not read,
  /// and all parts but ``payload`` and ``signature`` are empty.
  ///
  /// For messages already ordered by nodes that may check less.
  ///
  /// - Throws: ``EnvelopeError/malformed(_:)`` if the outermost layer is not a valid message.
  package init(opaque bytes: [UInt8]) throws(EnvelopeError) {
    self.bytes = bytes
    (payloadRange, signatureRange) = try Self.twoFields(bytes, 0..<bytes.count, of: "envelope")
    headerType = -1
    channelID = ""
    timestamp = nil
    channelHeaderRange = 0..<0
    signatureHeaderRange = 0..<0
    dataRange = 0..<0
    tlsHashRange = 0..<0
  }

  /// The creator (`msp.SerializedIdentity`) and the nonce of the signature header; both are empty if
  /// there is no signature header.
  ///
  /// - Throws: ``EnvelopeError/malformed(_:)`` if the signature header is not a valid message.
  package func signatureHeaderParts() throws(EnvelopeError) -> (
    creator: ArraySlice<UInt8>, nonce: ArraySlice<UInt8>
  ) {
    let (creator, nonce) = try Self.twoFields(bytes, signatureHeaderRange, of: "signature header")
    return (bytes[creator], bytes[nonce])
  }

  /// Where the contents of the length-delimited fields 1 and 2 of a message are.
  private static func twoFields(
    _ bytes: [UInt8], _ range: Range<Int>, of message: String
  ) throws(EnvelopeError) -> (Range<Int>, Range<Int>) {
    var first = 0..<0
    var second = 0..<0
    do {
      var reader = WireReader(bytes, range)
      while let field = try reader.next() {
        if field.isBytes(1) {
          first = field.range
        } else if field.isBytes(2) {
          second = field.range
        }
      }
    } catch { throw .malformed(message) }
    return (first, second)
  }

  private static func timestamp(
    _ bytes: [UInt8], _ range: Range<Int>, over earlier: (seconds: Int64, nanos: Int32)
  ) throws(WireReader.Malformed) -> (seconds: Int64, nanos: Int32) {
    var result = earlier
    var reader = WireReader(bytes, range)
    while let field = try reader.next() {
      if field.isVarint(1) {
        result.seconds = Int64(bitPattern: field.varint)
      } else if field.isVarint(2) {
        result.nanos = Int32(truncatingIfNeeded: field.varint)
      }
    }
    return result
  }
}
