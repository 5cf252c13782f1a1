// What happens while reading fails.

import KafkaClient

extension RecordWorker {
  /// Notes a reason why records may not be coming.
  func suspect(_ reason: String) {
    chain.log(.warning, "Error during consumption: \(reason)")
    if let episode = chain.trouble.readingFailed(reason) { probe(episode) }
  }

  /// Makes records that show, once one is read, that reading works again.
  private func probe(_ episode: ChainTrouble.Episode) {
    let pause = max(chain.settings.client.consumerRetryBackoff, .seconds(1))
    let (time, trouble, topic) = (chain.time, chain.trouble, topic)
    Task {
      while (try? await time.sleep(for: pause)) != nil, trouble.isReadingFailing(since: episode) {
        if !topic.brokers.isDown { _ = await topic.writer.post(.connect).outcome() }
      }
    }
  }
}
