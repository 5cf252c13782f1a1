// What an HTTP server is told: its address, its TLS, its bounds.

/// TLS of an HTTP server; 1.2 and newer.
package struct HTTPServerTLS: Sendable {
  /// PEM: the server's certificate, then its intermediates.
  package var certificateChain: [UInt8]
  /// PEM.
  package var privateKey: [UInt8]
  /// PEM text of one or more certificates each. A client's certificate must chain to one of them;
  /// if there is none, no certificate is accepted.
  package var clientRoots: [[UInt8]]
  /// Whether clients without a certificate are turned away in the handshake. Otherwise they get as
  /// far as the routes that are open.
  package var requiresClientCertificate: Bool
  /// Judges the certificates of clients; nil leaves that to BoringSSL, with `clientRoots` and the present time.
  package var clientVerification: ClientVerification?

  /// Judges a client's certificates: in DER, its own first. Called on event loops.
  ///
  /// - Returns: Why they are refused; nil if they are not.
  package typealias ClientVerification = @Sendable (_ certificates: [[UInt8]]) -> String?

  package init(
    certificateChain: [UInt8], privateKey: [UInt8], clientRoots: [[UInt8]] = [],
    requiresClientCertificate: Bool = false, clientVerification: ClientVerification? = nil
  ) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
    self.clientRoots = clientRoots
    self.requiresClientCertificate = requiresClientCertificate
    self.clientVerification = clientVerification
  }
}

/// How messages for the operator name a server and its settings.
package struct HTTPServerName: Sendable {
  /// As in `failed to start SUBSYSTEM: …`: `operations subsystem`.
  package var subsystem: String
  /// The setting with the address: `Operations.ListenAddress`.
  package var addressSetting: String
  /// The section with the TLS settings: `Operations.TLS`.
  package var tlsSection: String

  package init(subsystem: String, addressSetting: String, tlsSection: String = "") {
    self.subsystem = subsystem
    self.addressSetting = addressSetting
    self.tlsSection = tlsSection
  }
}

/// The bounds of an HTTP server.
package struct HTTPServerLimits: Sendable {
  /// Connections at the same time; further ones are closed at once.
  package var connections = 1024
  /// Handlers at the same time, including those that go on after their time-out; further requests
  /// get 503.
  package var handlers = 128
  /// Bytes of response bodies that clients have not taken yet, all connections together; further
  /// requests get 503.
  package var pendingResponseBytes = 256 << 20
  /// Bytes of the first line and all headers of a request.
  package var headerBytes = 64 << 10
  /// Headers of a request.
  package var headerCount = 128
  /// Requests of one connection that wait for those before them; beyond that it is closed.
  package var pipelinedRequests = 32
  /// From the acceptance of a connection, or the end of the last response, until the next request's
  /// head has arrived, TLS handshake included; and again from there to the end of its body (Go's
  /// orderer: `ReadTimeout`).
  package var readTimeout = Duration.seconds(10)
  /// From the first byte of a response until the client has taken it (Go's orderer:
  /// `WriteTimeout`).
  package var writeTimeout = Duration.seconds(120)
  /// From a whole request until its response, unless its route has a time of its own.
  package var handlerTimeout = Duration.seconds(60)

  package init() {}
}
