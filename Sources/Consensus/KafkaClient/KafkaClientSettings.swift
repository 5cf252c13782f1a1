// How a process talks to the brokers, and what that is in librdkafka's terms.

/// The settings of a client. The defaults are those of orderer.yaml.
package struct KafkaClientSettings: Sendable, Equatable {
  /// Certificates and keys as PEM texts.
  package struct TLS: Sendable, Equatable {
    package var certificate: String
    package var privateKey: String
    package var rootCertificates: [String]

    package init(certificate: String, privateKey: String, rootCertificates: [String]) {
      self.certificate = certificate
      self.privateKey = privateKey
      self.rootCertificates = rootCertificates
    }
  }

  /// SASL with a name and a password.
  package struct SASL: Sendable, Equatable {
    /// How the password is proved.
    package enum Mechanism: String, Sendable {
      case plain = "PLAIN"
      case scramSHA256 = "SCRAM-SHA-256"
      case scramSHA512 = "SCRAM-SHA-512"
    }

    package var mechanism: Mechanism
    package var user: String
    package var password: String

    package init(mechanism: Mechanism, user: String, password: String) {
      self.mechanism = mechanism
      self.user = user
      self.password = password
    }
  }

  /// For a connection to be made.
  package var dialTimeout = Duration.seconds(10)
  /// For an answer.
  package var readTimeout = Duration.seconds(10)
  /// The time that a record may take to reach the topic, on top of ``readTimeout``.
  package var writeTimeout = Duration.seconds(10)
  /// Between two looks for brokers that are gone.
  package var metadataRetryBackoff = Duration.milliseconds(250)
  /// Between two attempts to post.
  package var producerRetryBackoff = Duration.milliseconds(100)
  /// Between two attempts to read.
  package var consumerRetryBackoff = Duration.seconds(2)
  /// No pause between two connections to a broker is longer than this, nor than 5 s.
  package var longestReconnectPause = Duration.seconds(5)
  /// The brokers' version, such as "0.10.2.0".
  package var version = "0.10.2.0"
  package var tls: TLS?
  package var sasl: SASL?
  /// Replicas of the topics that this process creates.
  package var replicationFactor = 3
  /// Whether librdkafka's debug messages go to the log.
  package var verbose = false

  package init() {}

  /// The largest record that is posted, in bytes, as for Go nodes: 1 MiB less than what brokers take
  /// in one request.
  static let maximumRecordBytes = 99 << 20

  /// Whether the brokers can be asked to create topics (Kafka 0.10.1).
  var createsTopics: Bool { isAtLeast([0, 10, 1]) }

  private func isAtLeast(_ other: [Int]) -> Bool {
    let own = version.split(separator: ".").map { Int($0) ?? 0 }
    return !own.lexicographicallyPrecedes(other)
  }

  /// Properties of producers and consumers.
  ///
  /// - Parameter trust: Made of ``tls``; nil without it.
  func properties(brokers: [String], trust: BrokerTrust?) -> [(name: String, value: String)] {
    var list = [
      ("bootstrap.servers", brokers.joined(separator: ",")),
      ("client.id", "orderer"),
      // The socket has to outlast what a broker may wait for before it answers a fetch.
      ("socket.timeout.ms", "\(readTimeout.within(.seconds(2), .seconds(300)))"),
      ("socket.connection.setup.timeout.ms", "\(dialTimeout.within(.seconds(1), .seconds(3600)))"),
      ("socket.keepalive.enable", "true"),
      ("reconnect.backoff.ms", "\(reconnectBackoff.milliseconds)"),
      (
        "reconnect.backoff.max.ms",
        "\(max(reconnectBackoff, min(longestReconnectPause, .seconds(5))).milliseconds)"
      ),
      ("receive.message.max.bytes", "\(256 << 20)"),
      // The fallback is for brokers that cannot be asked what they understand.
      ("api.version.request", isAtLeast([0, 10]) ? "true" : "false"),
      ("broker.version.fallback", version),
      ("api.version.fallback.ms", "0"),
      // Some brokers say what is wrong only by closing the connection at once.
      ("log.queue", "true"), ("log.connection.close", "true"), ("log.thread.name", "false"),
      ("security.protocol", (sasl == nil ? "" : "sasl_") + (tls == nil ? "plaintext" : "ssl")),
    ]
    if let tls, let trust {
      list += [
        ("ssl.ca.pem", trust.authorities), ("ssl.certificate.pem", trust.certificate),
        ("ssl.key.pem", tls.privateKey), ("ssl.endpoint.identification.algorithm", "https"),
      ]
    }
    if let sasl {
      list += [
        ("sasl.mechanisms", sasl.mechanism.rawValue), ("sasl.username", sasl.user),
        ("sasl.password", sasl.password),
      ]
    }
    if verbose { list.append(("debug", "broker,topic,msg")) }
    return list
  }

  /// Properties of a producer.
  ///
  /// A record counts as posted once all in-sync replicas have it. One request at a time on a
  /// connection keeps the order when a request is repeated. A request is only repeated if it is
  /// certain that the brokers did not take it (`retries` counts the others), so that no record is
  /// in the topic twice. The brokers are not always right about that: a leader that loses its
  /// partition while it waits for replicas says that it is no leader, as if it had not taken the
  /// records. An idempotent producer would allow more requests in flight, but needs brokers from
  /// 0.11 on, and some errors end it for good. Busy topics get more connections instead
  /// (``PostingLanes``).
  var producerProperties: [(name: String, value: String)] {
    [
      ("acks", "all"), ("retries", "0"), ("max.in.flight", "1"), ("linger.ms", "1"),
      ("retry.backoff.ms", "\(producerRetryBackoff.within(.milliseconds(1), .seconds(1)))"),
      ("request.timeout.ms", "\(readTimeout.within(.seconds(1), .seconds(900)))"),
      ("message.timeout.ms", "\(postTimeout.milliseconds)"),
      ("message.max.bytes", "\(Self.maximumRecordBytes)"),
      // Brokers limit batches as they limit messages; a batch should not reach any usual limit.
      ("batch.size", "500000"),
      // For each lane. What exceeds this is refused.
      ("queue.buffering.max.messages", "100000"), ("queue.buffering.max.kbytes", "65536"),
      ("compression.codec", "none"),
    ]
  }

  private var reconnectBackoff: Duration {
    min(max(metadataRetryBackoff, .milliseconds(50)), .seconds(5))
  }

  /// How long it may take until a record is in the topic, e.g. while a partition has no leader.
  var postTimeout: Duration { max(readTimeout + writeTimeout, .seconds(2)) }

  /// Properties of a consumer.
  var consumerProperties: [(name: String, value: String)] {
    [
      ("enable.auto.commit", "false"), ("enable.auto.offset.store", "false"),
      ("auto.offset.reset", "error"), ("enable.partition.eof", "false"),
      ("isolation.level", "read_uncommitted"), ("check.crcs", "true"),
      // As Go nodes. Some brokers answer only after this time, even if records have come, and a new
      // reader may have to wait as long; but each answer costs something for each topic without traffic.
      ("fetch.wait.max.ms", "250"),
      ("fetch.error.backoff.ms", "\(consumerRetryBackoff.within(.milliseconds(1), .seconds(300)))"),
      // What is read ahead for each topic. Once that much waits, librdkafka pauses for half a second or
      // more before it asks again, so it has to last longer than that.
      ("queued.min.messages", "5000"), ("queued.max.messages.kbytes", "16384"),
    ]
  }
}

extension Duration {
  /// Milliseconds of the time within bounds that librdkafka sets.
  fileprivate func within(_ low: Duration, _ high: Duration) -> Int64 {
    Swift.min(Swift.max(self, low), high).milliseconds
  }

  /// Whole milliseconds, within librdkafka's range.
  var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return min(seconds, 1_000_000) * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
