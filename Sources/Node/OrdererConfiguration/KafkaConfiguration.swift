// The settings below `Kafka`.

extension OrdererConfiguration {
  /// How a node with Kafka consensus talks to the brokers.
  package struct Kafka: Sendable, Equatable {
    package var retry = Retry()
    /// Log what happens between node and brokers.
    package var verbose = false
    /// The protocol version.
    package var version = KafkaVersion.standard
    /// Key and certificates are PEM texts here, not paths.
    package var tls = TLS()
    package var saslPlain = SASLPlain()
    package var topic = Topic()
  }

  /// What to do when Kafka does not answer.
  package struct Retry: Sendable, Equatable {
    /// Every so often for `shortTotal`, then…
    package var shortInterval = Duration.seconds(60)
    package var shortTotal = Duration.seconds(600)
    /// … every so often for `longTotal`.
    package var longInterval = Duration.seconds(600)
    package var longTotal = Duration.seconds(12 * 3600)
    package var networkTimeouts = NetworkTimeouts()
    /// Metadata requests.
    package var metadata = RetryLimit(retryMax: 3, retryBackoff: .milliseconds(250))
    /// Posting.
    package var producer = RetryLimit(retryMax: 3, retryBackoff: .milliseconds(100))
    /// Reading: the wait before the next attempt.
    package var consumerRetryBackoff = Duration.seconds(2)
  }

  /// Socket timeouts.
  package struct NetworkTimeouts: Sendable, Equatable {
    package var dialTimeout = Duration.seconds(30)
    package var readTimeout = Duration.seconds(30)
    package var writeTimeout = Duration.seconds(30)
  }

  /// How often and at what distance something is tried again.
  package struct RetryLimit: Sendable, Equatable {
    package var retryMax: Int
    package var retryBackoff: Duration

    package init(retryMax: Int, retryBackoff: Duration) {
      self.retryMax = retryMax
      self.retryBackoff = retryBackoff
    }
  }

  /// How a password is proved to the brokers; the raw values are SASL's names.
  package enum SASLMechanism: String, Sendable, CaseIterable {
    case plain = "PLAIN"
    case scramSHA256 = "SCRAM-SHA-256"
    case scramSHA512 = "SCRAM-SHA-512"
  }

  /// SASL towards the brokers. The section's name is Fabric's, which only knows PLAIN.
  package struct SASLPlain: Sendable, Equatable {
    package var enabled = false
    /// Not a setting of Fabric's.
    package var mechanism = SASLMechanism.plain
    package var user = ""
    /// Never shown.
    package var password = ""
  }

  /// Topics that the node creates.
  package struct Topic: Sendable, Equatable {
    package var replicationFactor: Int16 = 3
  }
}
