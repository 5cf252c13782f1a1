// What the core wants done.

import ChannelConfig
import Concurrency
import KafkaClient
import Ordering

extension RecordWorker {
  /// Carries out the effects of a record.
  mutating func carryOut(_ effects: [KafkaCore.Effect]) async throws {
    let cuts = effects.count { if case .write = $0 { true } else { false } }
    fill.note(cuts: cuts, isPending: core.pendingCount > 0)
    for effect in effects {
      switch effect {
      case .write(let batch, let number, let offsets): try await write(batch, number, offsets)
      case .writeConfig(let message, let number, let offsets):
        try await writeConfig(message, number, offsets)
      case .startTimer(let id): try startTimer(id)
      case .stopTimer: timer.stop()
      case .resubmit(let message, let original):
        if try await !resubmit(message, original) {
          carryOut(core.resubmissionFailed(originalOffset: original))
        }
      case .holdClients: chain.gate.hold()
      case .releaseClients: chain.gate.release()
      case .discard(let reason): chain.log(.warning, "Discarding a message: \(reason)")
      case .fail(let reason):
        throw TopicMismatch.contradiction(channelID: chain.channelID, reason: reason)
      case .broken(let finding): throw ChannelFault.broken(finding)
      }
    }
  }

  /// Carries out the effect of an expired timer.
  func carryOut(_ effect: KafkaCore.ExpiryEffect?) {
    switch effect {
    case .postTimeToCut(let number)?: postTimeToCut(number)
    case nil: break
    }
  }

  /// Carries out the effect of a time-to-cut record that could not be posted.
  mutating func carryOut(_ effect: KafkaCore.TimerEffect?) throws {
    switch effect {
    case .startTimer(let id)?: try startTimer(id)
    case nil: break
    }
  }

  /// Carries out the effect of what clients waited for in vain.
  func carryOut(_ effect: KafkaCore.ClientEffect?) {
    switch effect {
    case .releaseClients?: chain.gate.release()
    case nil: break
    }
  }

  private mutating func startTimer(_ id: BatchTimer.ID) throws {
    let orderer = try chain.support.bundle.requiredOrderer(orThrow: ChannelFault.init)
    timer.start(id, for: orderer.batchTimeout)
  }

  private func postTimeToCut(_ number: UInt64) {
    let delivery = topic.writer.post(.timeToCut(number))
    Task { [chain] in
      guard let code = await delivery.outcome().failure else { return }
      chain.log(.warning, "Cannot post time-to-cut for block [\(number)]: \(code)")
      chain.tell(.timeToCutFailed)
    }
  }

  /// Posts a message again; does not give up before it is in the topic, since its client has been
  /// told so. False if the brokers will never take it.
  private func resubmit(_ message: OrderedMessage, _ originalOffset: Int64) async throws -> Bool {
    let record = KafkaRecord(message, originalOffset: originalOffset)
    let longest = Duration.seconds(5)
    let shortest = max(chain.settings.client.producerRetryBackoff, .milliseconds(10))
    var backoff = Backoff(from: min(shortest, longest), to: longest)
    while true {
      let outcome = await chain.awaitDelivery(topic.writer.post(record))
      try chain.checkHalted()
      guard let code = outcome.failure else { return true }
      if code.meaning == .tooLarge {
        chain.log(.error, "The message of record \(originalOffset) is lost: it is too large now")
        chain.support.metrics.dropped(.tooLarge)
        return false
      }
      chain.log(
        .warning, "Need to retry to re-submit the message of record \(originalOffset): \(code)")
      try await chain.pause(backoff.next())
    }
  }
}
