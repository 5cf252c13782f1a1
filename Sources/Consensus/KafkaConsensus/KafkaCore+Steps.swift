// What goes into the Kafka core and what comes out of it.

import Ordering

extension KafkaCore {
  /// What comes of a record.
  package enum Step: Sendable {
    case effects([Effect])
    /// A message has to be validated against the configuration in force first; the answer goes to
    /// ``KafkaCore/validated(_:_:)`` before any other record is consumed.
    case validate(OrderedMessage)

    static func broken(_ finding: String) -> Step { .effects([.broken(finding)]) }
  }

  /// What the shell has to do after a record, or after its validation.
  package enum Effect: Sendable {
    /// Write a block of normal messages, which has this number.
    case write([OrderedMessage], number: UInt64, KafkaOffsets)
    /// Write a config message into a block of its own, which has this number.
    case writeConfig(OrderedMessage, number: UInt64, KafkaOffsets)
    /// Start the batch timer, once, for the batch time-out of the channel, in place of a running
    /// one.
    case startTimer(BatchTimer.ID)
    /// Forget the running timer.
    case stopTimer
    /// Post a message that was validated again. It must be in the topic before the next effect is
    /// carried out: a message that falls behind a later one would count as its copy. If the brokers will
    /// never take it, call ``KafkaCore/resubmissionFailed(originalOffset:)``.
    case resubmit(OrderedMessage, originalOffset: Int64)
    /// Let clients wait before their messages are posted.
    case holdClients
    /// Let clients go on.
    case releaseClients
    /// Tell the log that a record was dropped.
    case discard(String)
    /// The records contradict this chain, which cannot go on.
    case fail(String)
    /// An invariant does not hold; the chain must not go on.
    case broken(String)
  }

  /// What the shell has to do after a batch timer has expired.
  package enum ExpiryEffect: Sendable, Equatable {
    /// Post a time-to-cut record; if that fails, call ``KafkaCore/timeToCutFailed()``.
    case postTimeToCut(block: UInt64)
  }

  /// What the shell has to do after a time-to-cut record could not be posted.
  package enum TimerEffect: Sendable, Equatable {
    /// As ``Effect/startTimer(_:)``.
    case startTimer(BatchTimer.ID)
  }

  /// What the shell has to do for clients that wait for a message which will not come.
  package enum ClientEffect: Sendable, Equatable {
    /// Let clients go on.
    case releaseClients
  }

  /// What validating a message again has shown.
  package enum Verdict: Sendable {
    /// The message as the configuration in force wants it.
    case valid(OrderedMessage)
    case invalid(String)
  }

  /// The configuration in force.
  package struct Context: Sendable {
    package var configSequence: UInt64
    /// Whether messages that were validated against an older configuration are ordered again.
    package var resubmission: Bool
    package var limits: BatchLimits

    package init(configSequence: UInt64, resubmission: Bool, limits: BatchLimits) {
      self.configSequence = configSequence
      self.resubmission = resubmission
      self.limits = limits
    }
  }

  /// The newest block, as far as going on after a restart depends on it.
  package struct NewestBlock: Sendable {
    package var number: UInt64
    /// Messages in it.
    package var messageCount: Int
    /// What they count towards a batch.
    package var size: Int
    /// Whether the block holds a config message.
    package var isConfig: Bool

    package init(number: UInt64, messageCount: Int, size: Int, isConfig: Bool) {
      self.number = number
      self.messageCount = messageCount
      self.size = size
      self.isConfig = isConfig
    }
  }
}
