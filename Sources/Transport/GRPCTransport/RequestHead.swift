// The HEADERS of a request: what a call must bring, and how a request that does not is refused.

import NIOHPACK

/// What the headers of an acceptable request say.
struct RequestHead: Sendable, Equatable {
  let path: String
  /// The time the caller gives; nil without `grpc-timeout`.
  let timeout: Duration?

  /// A request that is answered without a handler.
  struct Refusal: Error, Equatable {
    /// The HTTP status of the response.
    let httpStatus: Int
    let status: GRPCStatus
  }

  /// Checks headers in the order of Go's gRPC (`internal/transport`, `operateHeaders`), with its
  /// words. As in Go, `te: trailers` is not required.
  init(_ headers: HPACKHeaders) throws(Refusal) {
    var method = ""
    var path = ""
    var contentType = ""
    var encoding = ""
    var timeout: String?
    for (name, value, _) in headers {
      switch name {
      case ":method": method = value
      case ":path": path = value
      case "content-type": contentType = value
      case "grpc-encoding": encoding = value
      case "grpc-timeout": timeout = value
      default: break
      }
    }
    guard Self.isGRPC(contentType) else {
      throw Refusal(
        httpStatus: 415,
        status: GRPCStatus(
          .invalidArgument, "invalid gRPC request content-type \"\(contentType)\""))
    }
    do throws(GRPCTimeout.Malformed) {
      self.timeout = if let timeout { try GRPCTimeout.parse(timeout) } else { nil }
    } catch {
      throw Refusal(
        httpStatus: 400,
        status: GRPCStatus(.internalError, "malformed grpc-timeout: \(error.description)"))
    }
    guard method == "POST" else {
      throw Refusal(
        httpStatus: 405,
        status: GRPCStatus(
          .internalError,
          "Received a HEADERS frame with :method \"\(method)\" which should be POST"))
    }
    if let timeout = self.timeout, timeout <= .zero {
      throw Refusal(httpStatus: 200, status: .deadlineExceeded)
    }
    guard encoding.isEmpty || encoding == "identity" else {
      throw Refusal(
        httpStatus: 200,
        status: GRPCStatus(
          .unimplemented,
          "grpc: Decompressor is not installed for grpc-encoding \"\(encoding)\""))
    }
    self.path = path
  }

  /// Whether a content type is `application/grpc`, alone or with a subtype behind `+` or `;`.
  static func isGRPC(_ contentType: String) -> Bool {
    let base = "application/grpc"
    guard contentType.utf8.starts(with: base.utf8) else { return false }
    guard let next = contentType.utf8.dropFirst(base.utf8.count).first else { return true }
    return next == UInt8(ascii: "+") || next == UInt8(ascii: ";")
  }
}

/// The `grpc-timeout` header (gRPC over HTTP/2, "Timeout").
enum GRPCTimeout {
  struct Malformed: Error, Equatable, CustomStringConvertible {
    let description: String
  }

  /// One to eight digits and a unit: hours, minutes, seconds, milli-, micro-, nanoseconds.
  static func parse(_ value: String) throws(Malformed) -> Duration {
    let bytes = Array(value.utf8)
    guard bytes.count >= 2 else {
      throw Malformed(description: "transport: timeout string is too short: \"\(value)\"")
    }
    guard bytes.count <= 9 else {
      throw Malformed(description: "transport: timeout string is too long: \"\(value)\"")
    }
    var number: Int64 = 0
    for byte in bytes.dropLast() {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else {
        throw Malformed(description: "transport: timeout is not a number: \"\(value)\"")
      }
      // At most eight digits: no overflow here, nor below with hours.
      number = number * 10 + Int64(byte - UInt8(ascii: "0"))
    }
    switch bytes[bytes.count - 1] {
    case UInt8(ascii: "H"): return .seconds(number * 3600)
    case UInt8(ascii: "M"): return .seconds(number * 60)
    case UInt8(ascii: "S"): return .seconds(number)
    case UInt8(ascii: "m"): return .milliseconds(number)
    case UInt8(ascii: "u"): return .microseconds(number)
    case UInt8(ascii: "n"): return .nanoseconds(number)
    default:
      throw Malformed(description: "transport: timeout unit is not recognized: \"\(value)\"")
    }
  }
}
