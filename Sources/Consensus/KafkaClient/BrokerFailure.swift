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
    self.broker = broker
    let problem = Self.withoutTime(rest)
    if problem.contains("certificate verify failed")
      || problem.contains("verify broker certificate")
    {
      kind = .brokerCertificate
      reason =
        "the certificate of Kafka broker \(broker) is not trusted: "
        + (certificateProblem(broker) ?? problem)
    } else if problem.contains(" alert "), let ownCertificate {
      kind = .ownCertificate
      reason = """
        Kafka broker \(broker) refuses this orderer's certificate (\(Self.alert(problem))): \
        Kafka.TLS.Certificate is \(ownCertificate)
        """
    } else if problem.contains("mechanism handshake failed") {
      kind = .password
      reason =
        "Kafka broker \(broker) does not accept Kafka.SASLPlain.Mechanism: "
        + (Self.after("Unsupported SASL mechanism: ", problem) ?? problem)
    } else if problem.contains("SASL") && problem.contains("uthentication")
      && !problem.contains("?")
      && !problem.contains("might require")
    {
      kind = .password
      reason = """
        Kafka broker \(broker) refuses Kafka.SASLPlain.User and Password: \
        \(Self.after("SASL authentication error: ", problem) ?? problem)
        """
    } else if problem.contains("connecting to a PLAINTEXT broker listener")
      || problem.contains("handshake failed") && problem.contains("unexpected eof")
    {
      kind = .protocols
      reason = """
        Kafka broker \(broker) ended the connection during the TLS handshake: its listener may not \
        speak TLS (Kafka.TLS.Enabled), or want another version of it
        """
    } else if problem.contains("wrong version number") || problem.contains("packet length too long")
    {
      kind = .protocols
      reason = "Kafka broker \(broker) does not speak TLS, but Kafka.TLS.Enabled is true"
    } else if problem.contains("security.protocol")
      || problem.contains("Disconnected") && Self.isAtOnce(rest)
    {
      kind = .closed
      let wish =
        ownCertificate.map { "not accept Kafka.TLS.Certificate, which is \($0)," }
        ?? "want TLS (Kafka.TLS.Enabled)"
      reason = """
        Kafka broker \(broker) ended the connection at once: its listener may \(wish) or want a \
        password (Kafka.SASLPlain.Enabled)
        """
    } else {
      kind = .other
      reason = broker.isEmpty ? "Kafka: \(problem)" : "Kafka broker \(broker): \(problem)"
    }
  }

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
