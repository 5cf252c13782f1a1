// Requests and responses as values, free of the transport.

/// A request with its whole body, which is within its route's limit.
public struct HTTPRequest: Sendable {
  /// As sent: `GET`.
  public var method: String
  /// Without the query, percent-decoded: `/logspec`.
  public var path: String
  /// What follows the question mark, as sent; empty if there is none.
  public var query: String
  /// Names as sent.
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]
  /// `host:port` of the client.
  public var remoteAddress: String
  /// Whether the client presented a certificate that chains to one of the client roots.
  public var hasVerifiedCertificate: Bool

  public init(
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
  public func header(_ name: String) -> String? {
    let name = name.lowercased()
    return headers.first { $0.name.lowercased() == name }?.value
  }
}

/// A response. The server adds length, date and request ID.
public struct HTTPResponse: Sendable {
  public var status: Int
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]

  public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// A response of type `application/json`.
  public static func json(status: Int = 200, _ body: String) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: [("Content-Type", "application/json")], body: Array(body.utf8))
  }

  /// A response of type `text/plain`.
  public static func text(status: Int = 200, _ body: String) -> HTTPResponse {
    HTTPResponse(
      status: status,
      headers: [
        ("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"),
      ], body: Array(body.utf8))
  }
}

/// What answers the requests for a path.
public struct HTTPRoute: Sendable {
  public typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

  /// Who may ask.
  public enum Access: Sendable {
    /// Everybody.
    case open
    /// Over TLS, who presented a verified client certificate (others get 401); without TLS,
    /// everybody.
    case clientCertificate
  }

  /// Begins with `/`. With a `/` at its end it also stands for every path below that has no longer
  /// route (as in Go's ServeMux).
  public var path: String
  public var access: Access
  /// Largest body in bytes; a larger one is refused with 413.
  public var bodyLimit: Int
  /// A request that takes longer is cancelled and answered with `timeoutStatus`.
  public var timeout: Duration
  public var timeoutStatus: Int
  public var handler: Handler

  /// Bytes of body that a route takes if it does not say otherwise.
  public static let defaultBodyLimit = 64 << 10
  /// The default of ``timeout``.
  public static let defaultTimeout = Duration.seconds(60)

  public init(
    path: String, access: Access, bodyLimit: Int = HTTPRoute.defaultBodyLimit,
    timeout: Duration = HTTPRoute.defaultTimeout, timeoutStatus: Int = 503,
    handler: @escaping Handler
  ) {
    self.path = path
    self.access = access
    self.bodyLimit = bodyLimit
    self.timeout = timeout
    self.timeoutStatus = timeoutStatus
    self.handler = handler
  }
}
