// What orderer.yaml says about Kafka, in the terms of the Kafka consenter.

import KafkaClient
import KafkaConsensus
import OrdererConfiguration

extension KafkaSettings {
  /// The settings below `Kafka`.
  init(_ kafka: OrdererConfiguration.Kafka) {
    self.init()
    retry.shortInterval = kafka.retry.shortInterval
    retry.shortTotal = kafka.retry.shortTotal
    retry.longInterval = kafka.retry.longInterval
    retry.longTotal = kafka.retry.longTotal
    client = KafkaClientSettings(kafka)
  }
}

extension KafkaClientSettings {
  /// The settings below `Kafka` that concern connections.
  ///
  /// `Retry.Metadata.RetryMax` and `Retry.Producer.RetryMax` have no counterpart: metadata is asked for
  /// as long as it is needed, and a request that may have succeeded is never repeated.
  init(_ kafka: OrdererConfiguration.Kafka) {
    self.init()
    dialTimeout = kafka.retry.networkTimeouts.dialTimeout
    readTimeout = kafka.retry.networkTimeouts.readTimeout
    writeTimeout = kafka.retry.networkTimeouts.writeTimeout
    metadataRetryBackoff = kafka.retry.metadata.retryBackoff
    producerRetryBackoff = kafka.retry.producer.retryBackoff
    consumerRetryBackoff = kafka.retry.consumerRetryBackoff
    longestReconnectPause = kafka.retry.shortInterval
    version = "\(kafka.version)"
    if kafka.tls.enabled {
      tls = TLS(
        certificate: kafka.tls.certificate, privateKey: kafka.tls.privateKey,
        rootCertificates: kafka.tls.rootCAs)
    }
    if kafka.saslPlain.enabled {
      let mechanism: SASL.Mechanism =
        switch kafka.saslPlain.mechanism {
        case .plain: .plain
        case .scramSHA256: .scramSHA256
        case .scramSHA512: .scramSHA512
        }
      sasl = SASL(
        mechanism: mechanism, user: kafka.saslPlain.user, password: kafka.saslPlain.password)
    }
    replicationFactor = Int(kafka.topic.replicationFactor)
    verbose = kafka.verbose
  }
}
