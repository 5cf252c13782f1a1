// Requests and responses as values, free of the transport.

/// A request with its whole body, which is within its route's limit.
package struct HTTPRequest: Sendable {
  /// As sent: `GET`.
  package var method: String
  /// Without the query, percent-decoded: `/logspec`.
  package var path: String
  /// What follows the question mark, as sent; empty if there is none.
  package var query: String
  /// Names as sent.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  /// `host:port` of the client.
  package var remoteAddress: String
  /// Whether the client presented a certificate that chains to one of the client roots.
  package var hasVerifiedCertificate: Bool

  package init(
    method: String, path: String, query: String = "",
    headers: [(name: String, value: String)] = [], body: [UInt8] = [], remoteAddress: String = "",
    hasVerifiedCertificate: Bool = false
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.body = body
    self.remoteAddress = remoteAddress
    self.hasVerifiedCertificate = hasVerifiedCertificate
  }

  /// The first header of this name, in whatever case.
  package func header(_ name: String) -> String? {
    let name = name.lowercased()
    return headers.first { $0.name.lowercased() == name }?.value
  }

  /// All headers of this name, in whatever case.
  package func headers(_ name: String) -> [String] {
    let name = name.lowercased()
    return headers.filter { $0.name.lowercased() == name }.map(\.value)
  }
}

/// A response. The server adds length, date and request ID.
package struct HTTPResponse: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// A response of type `application/json`.
  package static func json(status: Int = 200, _ body: String) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: [("Content-Type", "application/json")], body: Array(body.utf8))
  }

  /// A response of type `text/plain`.
  package static func text(status: Int = 200, _ body: String) -> HTTPResponse {
    HTTPResponse(
      status: status,
      headers: [
        ("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"),
      ], body: Array(body.utf8))
  }
}

/// What answers the requests for a path.
package struct HTTPRoute: Sendable {
  package typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

  /// Who may ask.
  package enum Access: Sendable {
    /// Everybody.
    case open
    /// Over TLS, clients with a verified certificate (others get 401); without TLS, everybody.
    case clientCertificate
  }

  /// Begins with `/`. With a `/` at its end it also stands for every path below that has no longer
  /// route (as in Go's ServeMux).
  package var path: String
  package var access: Access
  /// Largest body in bytes; a larger one is refused.
  package var bodyLimit: Int
  /// Answers a request whose body is larger, without the body; nil for the answer 413. The connection ends
  /// then.
  package var oversized: Handler?
  /// A request that takes longer is cancelled and answered with `timeoutStatus`; nil for the server's limit.
  package var timeout: Duration?
  package var timeoutStatus: Int
  package var handler: Handler

  /// Bytes of body that a route takes if it does not say otherwise.
  package static let defaultBodyLimit = 64 << 10

  package init(
    path: String, access: Access, bodyLimit: Int = HTTPRoute.defaultBodyLimit,
    oversized: Handler? = nil, timeout: Duration? = nil, timeoutStatus: Int = 503,
    handler: @escaping Handler
  ) {
    self.path = path
    self.access = access
    self.bodyLimit = bodyLimit
    self.oversized = oversized
    self.timeout = timeout
    self.timeoutStatus = timeoutStatus
    self.handler = handler
  }
}
