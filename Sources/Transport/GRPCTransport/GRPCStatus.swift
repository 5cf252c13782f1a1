// The outcome of a call as gRPC defines it: a code and a message, and how both travel in trailers.

/// The outcome of a gRPC call; thrown by a handler it becomes the call's trailers.
///
/// Source of the codes: gRPC's "Status codes and their use in gRPC".
package struct GRPCStatus: Error, Sendable, Hashable, CustomStringConvertible {
  /// The status codes of gRPC, 0 … 16.
  package enum Code: Int, Sendable, Hashable, CaseIterable {
    case ok = 0
    case cancelled
    case unknown
    case invalidArgument
    case deadlineExceeded
    case notFound
    case alreadyExists
    case permissionDenied
    case resourceExhausted
    case failedPrecondition
    case aborted
    case outOfRange
    case unimplemented
    case internalError
    case unavailable
    case dataLoss
    case unauthenticated

    /// The name that Go's gRPC prints; metrics use it as the `code` label.
    package var name: String {
      switch self {
      case .ok: "OK"
      case .cancelled: "Canceled"
      case .unknown: "Unknown"
      case .invalidArgument: "InvalidArgument"
      case .deadlineExceeded: "DeadlineExceeded"
      case .notFound: "NotFound"
      case .alreadyExists: "AlreadyExists"
      case .permissionDenied: "PermissionDenied"
      case .resourceExhausted: "ResourceExhausted"
      case .failedPrecondition: "FailedPrecondition"
      case .aborted: "Aborted"
      case .outOfRange: "OutOfRange"
      case .unimplemented: "Unimplemented"
      case .internalError: "Internal"
      case .unavailable: "Unavailable"
      case .dataLoss: "DataLoss"
      case .unauthenticated: "Unauthenticated"
      }
    }
  }

  package var code: Code
  /// Text for the caller. What exceeds `maximumEncodedMessageBytes` is cut off on the wire.
  package var message: String

  package init(_ code: Code, _ message: String = "") {
    self.code = code
    self.message = message
  }

  package init(code: Code, message: String) {
    self.init(code, message)
  }

  package static let ok = GRPCStatus(.ok)
  /// The caller went away or reset the stream.
  package static let cancelled = GRPCStatus(.cancelled, "context canceled")
  /// The caller's `grpc-timeout` ran out.
  package static let deadlineExceeded = GRPCStatus(.deadlineExceeded, "context deadline exceeded")
  /// The server stops.
  static let shuttingDown = GRPCStatus(.unavailable, "the server is shutting down")

  package var description: String {
    "rpc error: code = \(code.name) desc = \(message)"
  }
}

extension GRPCStatus {
  /// The longest `grpc-message` that is sent, in encoded bytes: gRPC C-core refuses header lists of
  /// more than 8 KiB, and a status that does not arrive helps nobody.
  static let maximumEncodedMessageBytes = 6 * 1024

  /// The message as the `grpc-message` trailer wants it: bytes outside of printable ASCII, and the
  /// percent sign, as `%XX` (gRPC over HTTP/2, "Percent-Encoded").
  var encodedMessage: String {
    let isPlain = message.utf8.allSatisfy(Self.isUnreserved)
    if isPlain && message.utf8.count <= Self.maximumEncodedMessageBytes { return message }
    let digits = Array("0123456789ABCDEF".utf8)
    var encoded: [UInt8] = []
    for byte in message.utf8 {
      if encoded.count + 3 > Self.maximumEncodedMessageBytes { break }
      if Self.isUnreserved(byte) {
        encoded.append(byte)
      } else {
        encoded.append(UInt8(ascii: "%"))
        encoded.append(digits[Int(byte >> 4)])
        encoded.append(digits[Int(byte & 0x0f)])
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte <= 0x7e && byte != UInt8(ascii: "%")
  }

  /// What an error thrown by a handler means to the caller.
  init(thrown error: any Error) {
    switch error {
    case let status as GRPCStatus: self = status
    case is CancellationError: self = .cancelled
    default: self = GRPCStatus(.internalError, String(describing: error))
    }
  }
}
