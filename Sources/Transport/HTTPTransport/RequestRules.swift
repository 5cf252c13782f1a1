// How to treat a request, as far as its head tells.

import NIOHTTP1

enum RequestRules {
  static let bodyTooLarge = HTTPResponse.text(status: 413, "413 Request Entity Too Large")
  static let tooSlow = HTTPResponse.text(status: 408, "408 Request Timeout")
  static let overloaded = HTTPResponse.text(
    status: 503, "503 Service Unavailable: too many requests at the same time\n")

  /// The route of a request, or its answer if that is already clear.
  static func plan(for head: HTTPRequestHead, on connection: HTTPConnection) -> HTTPConnection.Plan
  {
    guard head.version.major == 1 else {
      return .answer(.text(status: 505, "505 HTTP Version Not Supported"))
    }
    guard head.version.minor == 0 || head.headers["host"].count == 1 else {
      return .answer(.text(status: 400, "400 Bad Request: missing required Host header"))
    }
    let codings = head.headers["transfer-encoding"]
    guard codings.allSatisfy({ $0.lowercased() == "chunked" }) else {
      return .answer(.text(status: 501, "Unsupported transfer encoding"))
    }
    guard head.headers["expect"].allSatisfy({ $0.lowercased() == "100-continue" }) else {
      return .answer(.text(status: 417, "417 Expectation Failed"))
    }
    if head.method == .OPTIONS, head.uri == "*" { return .answer(HTTPResponse(status: 200)) }
    guard let target = RequestTarget(head.uri) else {
      return .answer(.text(status: 400, "400 Bad Request"))
    }
    switch connection.environment.router.match(target.path) {
    case .none: return .answer(.text(status: 404, "404 page not found\n"))
    case .redirect(let path):
      return .answer(redirect(to: path, query: target.query))
    case .route(let route):
      guard isAllowed(route, on: connection) else {
        connection.environment.warn(
          "Client request not authorized, client must pass a valid client certificate for this "
            + "operation",
          [
            "URL": "\(head.uri.prefix(200))", "Method": "\(head.method.rawValue)",
            "RemoteAddr": "\(connection.remoteAddress)",
          ])
        return .answer(HTTPResponse(status: 401))
      }
      return .route(route, target)
    }
  }

  private static func isAllowed(_ route: HTTPRoute, on connection: HTTPConnection) -> Bool {
    switch route.access {
    case .open: true
    case .clientCertificate:
      !connection.environment.isEncrypted || connection.hasVerifiedCertificate
    }
  }

  private static func redirect(to path: String, query: String) -> HTTPResponse {
    // A path was decoded; what a header cannot carry is encoded again.
    var location = ""
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"),
        UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
        location.unicodeScalars.append(UnicodeScalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        location += "%" + (digits.count < 2 ? "0" : "") + digits
      }
    }
    if !query.isEmpty { location += "?" + query }
    return HTTPResponse(
      status: 307,
      headers: [("Content-Type", "text/plain; charset=utf-8"), ("Location", location)],
      body: Array("Temporary Redirect\n".utf8))
  }

  /// The answer to bytes that are not a request.
  static func response(to error: HTTPParserError) -> HTTPResponse {
    switch error {
    case .headerOverflow: .text(status: 431, "431 Request Header Fields Too Large")
    case .invalidVersion: .text(status: 505, "505 HTTP Version Not Supported")
    default: .text(status: 400, "400 Bad Request")
    }
  }

  static func hasBody(_ head: HTTPRequestHead) -> Bool {
    announcedLength(head) > 0 || head.headers.contains(name: "transfer-encoding")
  }

  /// The parser has checked that it is one number.
  static func announcedLength(_ head: HTTPRequestHead) -> Int {
    head.headers.first(name: "content-length").map { Int($0) ?? .max } ?? 0
  }

  /// After such a request the parser no longer reads HTTP.
  static func isUpgrade(_ head: HTTPRequestHead) -> Bool {
    head.method == .CONNECT || head.headers.contains(name: "upgrade")
  }
}
