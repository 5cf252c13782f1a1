// How a starting chain makes sure of its topic.

import Blocks
import FabricProtos
import KafkaClient
import Ordering

/// The topic of a channel, once it takes records.
struct OpenTopic: Sendable {
  let brokers: any ChannelBrokers
  let writer: any TopicWriter
  let reader: any TopicReader
  /// Offset of the CONNECT record that this chain posted when it started; -1 if the brokers did not
  /// tell.
  let connectedAt: Int64
}

extension KafkaChain {
  /// Creates the topic if need be, and posts to it.
  ///
  /// - Throws: ``Halted``; ``TopicMismatch`` if it is not the topic that the blocks were made from; what
  ///   ``retrying(_:_:)`` throws.
  func open(_ brokers: any ChannelBrokers) async throws -> OpenTopic {
    // Before anything else: asking about a topic may create it, with as many partitions as the brokers
    // like.
    try await createTopic(brokers)
    let writer = try brokers.writer(of: channelID)
    let connectedAt = try await connect(writer)
    guard connectedAt < 0 || connectedAt > offsets.lastPersisted else {
      throw TopicMismatch.shorter(
        topic: channelID, persisted: offsets.lastPersisted, block: newestBlock.number,
        end: connectedAt)
    }
    return OpenTopic(
      brokers: brokers, writer: writer, reader: try brokers.reader(of: channelID, wakeUp: wakeUp),
      connectedAt: connectedAt)
  }

  private func createTopic(_ brokers: any ChannelBrokers) async throws {
    log(.info, "Setting up the topic for this channel...")
    try await retrying("create the topic") { () throws(KafkaError) in
      do throws(KafkaError) {
        try await brokers.createTopic(self.channelID)
      } catch .broker(let action, let code) where code.meaning == .cannotCreateTopics {
        // Somebody else has to create it then, or has done so.
        self.log(
          .info,
          "The topic has to exist already: \(KafkaError.broker(action: action, code: code))")
      }
    }
  }

  /// Posts a CONNECT record, which shows that the topic takes records, and makes the topic's end known.
  private func connect(_ writer: any TopicWriter) async throws -> Int64 {
    log(.info, "About to post the CONNECT message...")
    let offset = try await retrying("post the CONNECT message") { () throws(KafkaError) in
      let outcome = await self.awaitDelivery(writer.post(.connect))
      if let code = outcome.failure {
        throw .broker(action: "post to the topic \(self.channelID)", code: code)
      }
      return outcome.offset
    }
    log(.info, "CONNECT message posted successfully")
    return offset
  }
}

extension KafkaCore.NewestBlock {
  /// - Throws: `EnvelopeError` if the block holds anything else than envelopes.
  init(_ block: Block) throws {
    self.init(
      number: block.header.number, messageCount: block.data.count, size: 0,
      isConfig: block.header.number == 0 || block.isConfigBlock)
    for entry in block.data {
      let envelope = try EnvelopeView(opaque: entry)
      size += envelope.payload.count + envelope.signature.count
    }
  }
}
