// What the brokers' error codes mean.

import CRdKafka
import Testing

@testable import KafkaClient

@Suite struct KafkaCodeTests {
  @Test func codesMeanWhatFollowsFromThem() {
    #expect(KafkaCode(RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE).meaning == .tooLarge)
    #expect(KafkaCode(RD_KAFKA_RESP_ERR__QUEUE_FULL).meaning == .queueFull)
    #expect(
      KafkaCode(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND).meaning == .tooFewReplicas)
    #expect(KafkaCode(RD_KAFKA_RESP_ERR__PURGE_QUEUE).meaning == .purged)
    #expect(KafkaCode(RD_KAFKA_RESP_ERR_POLICY_VIOLATION).meaning == .cannotCreateTopics)
    #expect(KafkaCode(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE).meaning == .other)
    #expect(KafkaCode.abandoned.meaning == .abandoned)
    #expect(KafkaCode.unreachable.meaning == .other)
  }

  @Test func onlySomeErrorsAreFinal() {
    #expect(KafkaError.broker(action: "a", code: .topicRefused).isFinal)
    #expect(!KafkaError.broker(action: "a", code: .unreachable).isFinal)
    #expect(KafkaError.closed.isFinal)
    #expect(
      KafkaError.broker(action: "post", code: .unreachable).description
        == "cannot post: Local: Broker transport failure")
  }
}
