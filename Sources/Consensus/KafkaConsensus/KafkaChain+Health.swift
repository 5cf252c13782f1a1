// What a Kafka chain tells those who ask for the node's health.

import KafkaClient

extension KafkaChain {
  /// Topic and partition, as Fabric calls the component.
  package var healthComponent: String? { "\(channelID)/0" }

  /// Whether the topic takes records. As Fabric does, this posts a CONNECT record to find out, though not
  /// more often than twice a minute, and not to a topic that just took one.
  ///
  /// Before the chain is up, and after it has halted, the channel itself tells why.
  package func healthProblem() async -> String? {
    guard let route = state.read({ $0.route }) else { return nil }
    let advice = "The channel goes on by itself once the cause is gone; no restart is needed"
    if let problem = route.brokers.problem ?? trouble.problem { return "\(problem). \(advice)" }
    guard let code = await probe.failure(posting: { route.writer.post(.connect) }) else {
      return nil
    }
    switch code.meaning {
    case .tooFewReplicas:
      let replicas = await route.brokers.replicas(of: channelID)
      return """
        \(replicas.map { "\($0): " } ?? "")too few replicas of the topic \(channelID) are in sync \
        (min.insync.replicas): bring back the brokers that are missing. \(advice)
        """
    case .abandoned:
      return """
        the Kafka brokers have not confirmed a record for the topic \(channelID) within \
        \(TopicProbe.patience): see their logs. \(advice)
        """
    case .tooLarge, .queueFull, .purged, .cannotCreateTopics, .topicRefused, .other:
      return "cannot post to the topic \(channelID): \(code). \(advice)"
    }
  }
}
