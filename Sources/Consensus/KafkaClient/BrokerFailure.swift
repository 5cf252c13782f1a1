// What librdkafka says about a failed connection, in words for somebody who knows orderer.yaml.

/// Why a broker could not be used.
struct BrokerFailure: Sendable, Equatable {
  /// What has to be looked at.
  enum Kind: Sendable, Hashable {
    /// The broker's certificate.
    case brokerCertificate
    /// This node's certificate.
    case ownCertificate
    /// Name, password or mechanism.
    case password
    /// One side speaks TLS, the other does not.
    case protocols
    /// The broker hung up at once: it may expect something else, or have been stopped.
    case closed
    /// The network, or anything else.
    case other
  }

  var kind: Kind
  /// The broker's address, as far as it is known.
  var broker: String
  var reason: String

  /// - Parameters:
  ///   - text: What librdkafka says: protocol and address of the broker, what went wrong, advice
  ///     in terms of other settings, and when it happened.
  ///   - certificateProblem: Finds out what is wrong with the certificate of the broker at an address.
  ///   - ownCertificate: Describes this node's certificate.
  init(
    _ text: String, ownCertificate: String? = nil,
    certificateProblem: (String) -> String? = { _ in nil }
  ) {
    let (broker, rest) = Self.split(text)
    let problem = Self.withoutTime(rest)
    self.broker = broker
    (kind, reason) =
      Self.certificate(broker, problem, ownCertificate, certificateProblem)
      ?? Self.password(broker, problem)
      ?? Self.protocols(broker, problem)
      ?? Self.closed(broker, problem, isAtOnce: Self.isAtOnce(rest), ownCertificate)
      ?? (.other, broker.isEmpty ? "Kafka: \(problem)" : "Kafka broker \(broker): \(problem)")
  }

  // MARK: Causes, each nil if it is another one

  private typealias Diagnosis = (kind: Kind, reason: String)

  private static func certificate(
    _ broker: String, _ problem: String, _ ownCertificate: String?,
    _ certificateProblem: (String) -> String?
  ) -> Diagnosis? {
    if problem.contains("certificate verify failed")
      || problem.contains("verify broker certificate")
    {
      return (
        .brokerCertificate,
        "the certificate of Kafka broker \(broker) is not trusted: "
          + (certificateProblem(broker) ?? problem)
      )
    }
    guard problem.contains(" alert "), let ownCertificate else { return nil }
    return (
      .ownCertificate,
      """
      Kafka broker \(broker) refuses this orderer's certificate (\(alert(problem))): \
      Kafka.TLS.Certificate is \(ownCertificate)
      """
    )
  }

  private static func password(_ broker: String, _ problem: String) -> Diagnosis? {
    if problem.contains("mechanism handshake failed") {
      return (
        .password,
        "Kafka broker \(broker) does not accept Kafka.SASLPlain.Mechanism: "
          + (after("Unsupported SASL mechanism: ", problem) ?? problem)
      )
    }
    guard problem.contains("SASL"), problem.contains("uthentication"), !problem.contains("?"),
      !problem.contains("might require")
    else { return nil }
    return (
      .password,
      """
      Kafka broker \(broker) refuses Kafka.SASLPlain.User and Password: \
      \(after("SASL authentication error: ", problem) ?? problem)
      """
    )
  }

  private static func protocols(_ broker: String, _ problem: String) -> Diagnosis? {
    if problem.contains("connecting to a PLAINTEXT broker listener")
      || problem.contains("handshake failed") && problem.contains("unexpected eof")
    {
      return (
        .protocols,
        """
        Kafka broker \(broker) ended the connection during the TLS handshake: its listener may not \
        speak TLS (Kafka.TLS.Enabled), or want another version of it
        """
      )
    }
    guard
      problem.contains("wrong version number") || problem.contains("packet length too long")
    else { return nil }
    return (
      .protocols, "Kafka broker \(broker) does not speak TLS, but Kafka.TLS.Enabled is true"
    )
  }

  private static func closed(
    _ broker: String, _ problem: String, isAtOnce: Bool, _ ownCertificate: String?
  ) -> Diagnosis? {
    guard
      problem.contains("security.protocol") || problem.contains("Disconnected") && isAtOnce
    else { return nil }
    let wish =
      ownCertificate.map { "not accept Kafka.TLS.Certificate, which is \($0)," }
      ?? "want TLS (Kafka.TLS.Enabled)"
    return (
      .closed,
      """
      Kafka broker \(broker) ended the connection at once: its listener may \(wish) or want a \
      password (Kafka.SASLPlain.Enabled)
      """
    )
  }

  // MARK: What librdkafka writes

  /// Splits `ssl://host:port/1: text` into address and text.
  private static func split(_ text: String) -> (String, String) {
    guard let scheme = text.firstRange(of: "://"),
      let end = text[scheme.upperBound...].firstRange(of: ": ")
    else {
      // Without encryption there is no protocol ahead of the address.
      guard let end = text.firstRange(of: ": "), text[..<end.lowerBound].contains(":") else {
        return ("", text)
      }
      return (String(text[..<end.lowerBound].prefix { $0 != "/" }), String(text[end.upperBound...]))
    }
    let name = text[scheme.upperBound..<end.lowerBound]
    return (String(name.prefix { $0 != "/" }), String(text[end.upperBound...]))
  }

  /// Whether a connection ended before it was of any use. One that ends later ends because the
  /// broker is stopped or the connection was idle.
  private static func isAtOnce(_ text: String) -> Bool {
    text.contains("in state APIVERSION_QUERY")
      || text.contains("in state UP")
        && (after(" (after ", text)?.prefix { $0 != "m" }.count ?? 9) < 4
  }

  /// Drops `(after 3ms in state UP, 4 identical error(s) suppressed)`.
  private static func withoutTime(_ text: String) -> String {
    guard let start = text.firstRange(of: " (after ") else { return text }
    return String(text[..<start.lowerBound])
  }

  /// What a TLS alert says: `…:sslv3 alert certificate expired: SSL alert number 45`.
  private static func alert(_ text: String) -> String {
    guard let rest = after(" alert ", text) else { return text }
    return String(rest.prefix { $0 != ":" })
  }

  private static func after(_ mark: String, _ text: String) -> String? {
    text.firstRange(of: mark).map { String(text[$0.upperBound...]) }
  }
}
