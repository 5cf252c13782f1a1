// What orderer.yaml says about Kafka.

import KafkaClient

/// The settings below `Kafka` in orderer.yaml.
package struct KafkaSettings: Sendable, Equatable {
  /// Time between a starting channel's attempts to reach its topic: every `shortInterval` for
  /// `shortTotal`, then every `longInterval` for `longTotal`, then the channel gives up.
  package struct Retry: Sendable, Equatable {
    package var shortInterval = Duration.seconds(5)
    package var shortTotal = Duration.seconds(600)
    package var longInterval = Duration.seconds(300)
    package var longTotal = Duration.seconds(12 * 3600)

    package init() {}
  }

  package var retry = Retry()
  /// How this node talks to the brokers.
  package var client = KafkaClientSettings()

  package init() {}
}
