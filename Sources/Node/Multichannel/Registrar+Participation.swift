// What operators ask of channels besides joining and leaving them.

import ChannelConfig
import FabricProtos
import MessageProcessing
import NIOCore
import Ordering

extension Registrar {
  /// The names of all channels.
  package var channelNames: ChannelNames { map.read { $0.names } }

  /// What this node is to a channel.
  package func info(of channelID: String) throws(ParticipationRefusal) -> ChannelInfo {
    guard let info = map.read({ $0.info(channelID) }) else { throw .doesNotExist }
    return info
  }

  /// Hands in a config update, as Broadcast does (Fabric: `Registrar.UpdateChannel`).
  ///
  /// - Parameter envelope: of type CONFIG_UPDATE.
  package func update(
    _ channelID: String, with envelope: EnvelopeView
  ) async throws(ParticipationRefusal) -> ChannelInfo {
    let channel = try ordered(channelID)
    let failure = "failed update config of channel \(channelID)"
    let message: OrderedMessage
    do {
      let (config, sequence) = try channel.processor.processConfigUpdate(envelope)
      message = OrderedMessage(
        envelope: try EnvelopeView(config), configSequence: sequence, isConfig: true)
    } catch { throw .other("\(failure): \(error)") }
    do {
      try await channel.waitReady()
    } catch {
      throw .other("\(failure) with SERVICE_UNAVAILABLE: rejected by Consenter: \(error)")
    }
    if case .refused(let error) = await channel.configure(message) {
      throw .other("\(failure) with SERVICE_UNAVAILABLE: rejected by Configure: \(error)")
    }
    let info = try info(of: channelID)
    logger.info("Updating channel: \(channelID), height \(info.height)")
    return info
  }

  /// A block of a channel that is ordered here, in protobuf wire form (Fabric: `Registrar.FetchBlock`).
  package func block(
    at place: BlockPlace, of channelID: String
  ) async throws(ParticipationRefusal) -> ByteBuffer {
    let channel = try ordered(channelID)
    do {
      let number =
        switch place {
        case .number(let number): number
        case .oldest: channel.oldestBlock
        case .newest: channel.tip.height - 1
        case .config: try channel.newestConfigBlock()
        }
      let blocks = try await channel.blocks(
        from: number, count: 1, bytes: 1, contentType: .block)
      guard let block = blocks.first else { throw RegistrarError("there is no block \(number)") }
      return block
    } catch { throw .other("\(error)") }
  }

  private func ordered(_ channelID: String) throws(ParticipationRefusal) -> Channel {
    try map.read { map throws(ParticipationRefusal) in try map.ordered(channelID) }
  }
}
