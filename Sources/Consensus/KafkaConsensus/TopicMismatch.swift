// Why the records of a topic and the blocks of a channel do not match, and what to do about it.

/// The topic is not the one that this chain was made from.
enum TopicMismatch: Error, CustomStringConvertible {
  /// The topic ends before the records that the chain accounts for.
  case shorter(topic: String, persisted: Int64, block: UInt64, end: Int64)
  /// Records are missing between others.
  case gap(topic: String, from: Int64, to: Int64)
  /// Records that the chain needs are gone.
  case gone(topic: String, wanted: Int64, block: UInt64, available: Range<Int64>?)
  /// Records that this chain has read are gone, and those after them.
  case cutOff(topic: String, read: Int64, block: UInt64, end: Int64)
  /// A record cannot have been meant for the chain of this channel.
  case contradiction(channelID: String, reason: String)

  /// Why a record cannot be read.
  ///
  /// - Parameters:
  ///   - block: The newest block.
  ///   - available: The offsets that the topic has, if the brokers tell.
  static func unavailable(
    topic: String, wanted: Int64, block: UInt64, available: Range<Int64>?
  ) -> TopicMismatch {
    if let available, wanted > available.upperBound {
      return .cutOff(topic: topic, read: wanted - 1, block: block, end: available.upperBound)
    }
    return .gone(topic: topic, wanted: wanted, block: block, available: available)
  }

  var description: String {
    switch self {
    case .contradiction(let channelID, let reason): "channel \(channelID): \(reason)"
    case .shorter(let topic, let persisted, let block, let end):
      """
      the topic \(topic) ends at offset \(end), but block \(block) of this channel was made from the \
      record at offset \(persisted): the topic was deleted and created again, or has lost records. \
      Restore the topic, or move the channel to a new network; an orderer that goes on would fork it
      """
    case .cutOff(let topic, let read, let block, let end):
      """
      the topic \(topic) ends at offset \(end) now, but this channel, whose newest block is \(block), \
      has read the record at offset \(read): the topic was deleted and created again, or has lost \
      records (unclean.leader.election.enable has to be false). Compare this channel with those of \
      other orderers, and restore the topic; an orderer that goes on would fork the channel
      """
    case .gap(let topic, let from, let to):
      """
      the topic \(topic) has no records from offset \(from) to \(to - 1), but some before and after. \
      Topics must not be compacted (cleanup.policy=delete) nor written to by anybody but orderers; \
      compare this channel with those of other orderers before going on
      """
    case .gone(let topic, let wanted, let block, let available):
      """
      the record at offset \(wanted) of the topic \(topic), which follows block \(block) of this \
      channel, is not available any more\
      \(available.map { ": the topic has the offsets from \($0.lowerBound) on" } ?? ""). The brokers' \
      retention has removed it. Stop this orderer, copy the channel's ledger from an orderer that \
      has later blocks, start it again; and set the topic's retention.ms and retention.bytes to -1
      """
    }
  }
}
