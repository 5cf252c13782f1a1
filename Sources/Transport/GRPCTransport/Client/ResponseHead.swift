// What a client sends and reads as headers: a request, and how a server's response begins and ends.

import NIOHPACK
import NIOHTTP2

extension RequestHead {
  /// The headers of a request (gRPC over HTTP/2, "Requests").
  static func headers(
    _ request: ClientRequest, authority: String, scheme: String
  ) -> HPACKHeaders {
    var headers: HPACKHeaders = [
      ":method": "POST", ":scheme": scheme, ":path": request.path, ":authority": authority,
      "content-type": "application/grpc", "user-agent": "grpc-heddle", "te": "trailers",
    ]
    if let timeout = request.timeout {
      headers.add(
        name: "grpc-timeout", value: GRPCTimeout.text(timeout), indexing: .nonIndexable)
    }
    return headers
  }
}

extension GRPCTimeout {
  /// A time as `grpc-timeout` wants it: at most eight digits and a unit, rounded up as in Go.
  static func text(_ timeout: Duration) -> String {
    let (seconds, attoseconds) = timeout.components
    guard seconds >= 0, attoseconds >= 0 else { return "0n" }
    let limit: Int64 = 100_000_000
    let microseconds =
      attoseconds / 1_000_000_000_000 + (attoseconds % 1_000_000_000_000 > 0 ? 1 : 0)
    if seconds < limit / 1_000_000 { return "\(seconds * 1_000_000 + microseconds)u" }
    if seconds < limit / 1_000 - 1 { return "\(seconds * 1_000 + (microseconds + 999) / 1_000)m" }
    let whole = seconds + (attoseconds > 0 ? 1 : 0)
    return whole < limit ? "\(whole)S" : "\(min(whole / 3_600 + 1, limit - 1))H"
  }
}

/// What the HEADERS frame that begins a response means.
enum ResponseHead: Equatable {
  /// HTTP/2's "wait": the response is still to come.
  case informational
  /// Messages follow.
  case accepted
  /// The response ends with its beginning.
  case ended(GRPCStatus)
  /// This is no gRPC response; nothing that follows is one.
  case refused(GRPCStatus)

  init(_ headers: HPACKHeaders, endsStream: Bool) {
    let http = headers.first(name: ":status") ?? ""
    if http.hasPrefix("1"), http.utf8.count == 3, !endsStream {
      self = .informational
    } else if endsStream, headers.first(name: "grpc-status") != nil {
      self = .ended(Self.status(trailers: headers))
    } else if http != "200" {
      self = .refused(
        GRPCStatus(
          Self.code(http: http), "unexpected HTTP status code received from server: \(http)"))
    } else if !RequestHead.isGRPC(headers.first(name: "content-type") ?? "") {
      let type = headers.first(name: "content-type") ?? ""
      self = .refused(
        GRPCStatus(.unknown, "transport: received unexpected content-type \"\(type)\""))
    } else if let encoding = headers.first(name: "grpc-encoding"), encoding != "identity" {
      self = .refused(
        GRPCStatus(
          .internalError, "grpc: Decompressor is not installed for grpc-encoding \"\(encoding)\""))
    } else if endsStream {
      self = .ended(GRPCStatus(.internalError, "server closed the stream without sending trailers"))
    } else {
      self = .accepted
    }
  }

  /// The status in trailers; `UNKNOWN` if they have none that can be read.
  static func status(trailers: HPACKHeaders) -> GRPCStatus {
    guard let text = trailers.first(name: "grpc-status"), let number = Int(text),
      let code = GRPCStatus.Code(rawValue: number)
    else {
      return GRPCStatus(.unknown, "the server's trailers have no status that gRPC knows")
    }
    return GRPCStatus(code, GRPCStatus.decode(trailers.first(name: "grpc-message") ?? ""))
  }

  /// gRPC's "HTTP to gRPC Status Code Mapping".
  private static func code(http status: String) -> GRPCStatus.Code {
    switch status {
    case "400": .internalError
    case "401": .unauthenticated
    case "403": .permissionDenied
    case "404": .unimplemented
    case "429", "502", "503", "504": .unavailable
    default: .unknown
    }
  }
}

extension GRPCStatus {
  /// Reverses `encodedMessage`: what is not encoded as it should be stays as it is.
  static func decode(_ message: String) -> String {
    guard message.utf8.contains(UInt8(ascii: "%")) else { return message }
    var decoded: [UInt8] = []
    var rest = Array(message.utf8)[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      {
        decoded.append(value)
        rest = rest.dropFirst(2)
      } else {
        decoded.append(byte)
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }

  /// What the error that ended a stream means.
  init(streamError error: any Error) {
    if let closed = error as? NIOHTTP2Errors.StreamClosed {
      self.init(reset: closed.errorCode)
    } else {
      self.init(.internalError, "\(error)")
    }
  }

  /// What a reset means, by the table of Go's gRPC.
  init(reset errorCode: HTTP2ErrorCode) {
    let code: Code =
      switch errorCode {
      case .refusedStream: .unavailable
      case .cancel: .cancelled
      case .enhanceYourCalm: .resourceExhausted
      case .inadequateSecurity: .permissionDenied
      default: .internalError
      }
    self.init(code, "stream terminated by RST_STREAM with error code: \(errorCode)")
  }
}
