// The settings below `Kafka`.

extension OrdererConfiguration {
  /// How a node with Kafka consensus talks to the brokers.
  public struct Kafka: Sendable, Equatable {
    public var retry = Retry()
    /// Log what happens between node and brokers.
    public var verbose = false
    /// The protocol version.
    public var version = KafkaVersion.standard
    /// Key and certificates are PEM texts here, not paths.
    public var tls = TLS()
    public var saslPlain = SASLPlain()
    public var topic = Topic()
  }

  /// What to do when Kafka does not answer.
  public struct Retry: Sendable, Equatable {
    /// Every so often for `shortTotal`, then…
    public var shortInterval = Duration.seconds(60)
    public var shortTotal = Duration.seconds(600)
    /// … every so often for `longTotal`.
    public var longInterval = Duration.seconds(600)
    public var longTotal = Duration.seconds(12 * 3600)
    public var networkTimeouts = NetworkTimeouts()
    /// Metadata requests.
    public var metadata = RetryLimit(retryMax: 3, retryBackoff: .milliseconds(250))
    /// Posting.
    public var producer = RetryLimit(retryMax: 3, retryBackoff: .milliseconds(100))
    /// Reading: the wait before the next attempt.
    public var consumerRetryBackoff = Duration.seconds(2)
  }

  /// Socket timeouts.
  public struct NetworkTimeouts: Sendable, Equatable {
    public var dialTimeout = Duration.seconds(30)
    public var readTimeout = Duration.seconds(30)
    public var writeTimeout = Duration.seconds(30)
  }

  /// How often and at what distance something is tried again.
  public struct RetryLimit: Sendable, Equatable {
    public var retryMax: Int
    public var retryBackoff: Duration

    public init(retryMax: Int, retryBackoff: Duration) {
      self.retryMax = retryMax
      self.retryBackoff = retryBackoff
    }
  }

  /// How a password is proved to the brokers; the raw values are SASL's names.
  public enum SASLMechanism: String, Sendable, CaseIterable {
    case plain = "PLAIN"
    case scramSHA256 = "SCRAM-SHA-256"
    case scramSHA512 = "SCRAM-SHA-512"
  }

  /// SASL towards the brokers. The section's name is Fabric's, which only knows PLAIN.
  public struct SASLPlain: Sendable, Equatable {
    public var enabled = false
    /// Not a setting of Fabric's.
    public var mechanism = SASLMechanism.plain
    public var user = ""
    /// Never shown.
    public var password = ""
  }

  /// Topics that the node creates.
  public struct Topic: Sendable, Equatable {
    public var replicationFactor: Int16 = 3
  }
}
