// orderer.yaml's Kafka section in the terms of the consenter.

import KafkaConsensus
import OrdererConfiguration
import Testing

@testable import OrdererServer

@Suite struct KafkaSettingsTests {
  @Test(arguments: OrdererConfiguration.SASLMechanism.allCases)
  func everySASLMechanismReachesTheClient(
    _ mechanism: OrdererConfiguration.SASLMechanism
  ) throws {
    let loaded = try OrdererConfiguration.parse(
      """
      General: {LocalMSPID: X}
      Kafka:
        SASLPlain: {Enabled: true, Mechanism: \(mechanism.rawValue), User: u, Password: p}
      """, file: "/orderer.yaml")
    let sasl = try #require(KafkaSettings(loaded.configuration.kafka).client.sasl)
    #expect(sasl.mechanism.rawValue == mechanism.rawValue)
    #expect(sasl.user == "u")
  }
}
