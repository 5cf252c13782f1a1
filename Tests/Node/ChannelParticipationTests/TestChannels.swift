// Channels that answer as a test says, and the requests of clients.

import FabricProtos
import Foundation
import HTTPTransport
import Logging
import Multichannel
import NIOCore
import Ordering
import ProcessingFixtures
import Synchronization
import Testing

@testable import ChannelParticipation

/// A node's channels without the node.
final class TestChannels: ChannelManagement {
  struct State: Sendable {
    var names = ChannelNames()
    var infos: [String: ChannelInfo] = [:]
    /// What joining, removing, updating and reading fail with.
    var refusal: ParticipationRefusal?
    var joined: [String] = []
    var removed: [String] = []
    var updated: [String] = []
    var read: [BlockPlace] = []
  }

  let state: Mutex<State>

  init(_ change: (inout State) -> Void = { _ in }) {
    var state = State()
    change(&state)
    self.state = Mutex(state)
  }

  var channelNames: ChannelNames { state.withLock { $0.names } }

  func info(of channelID: String) throws(ParticipationRefusal) -> ChannelInfo {
    guard let info = state.withLock({ $0.infos[channelID] }) else { throw .doesNotExist }
    return info
  }

  func join(_ join: JoinBlock) async throws(ParticipationRefusal) -> ChannelInfo {
    try act { $0.joined.append(join.channelID) }
    return Self.info(join.channelID)
  }

  func remove(_ channelID: String) async throws(ParticipationRefusal) {
    try act { $0.removed.append(channelID) }
  }

  func update(
    _ channelID: String, with envelope: EnvelopeView
  ) async throws(ParticipationRefusal) -> ChannelInfo {
    try act { $0.updated.append(channelID) }
    return Self.info(channelID)
  }

  func block(
    at place: BlockPlace, of channelID: String
  ) async throws(ParticipationRefusal) -> ByteBuffer {
    try act { $0.read.append(place) }
    return ByteBuffer(bytes: [1, 2, 3])
  }

  private func act(_ note: (inout State) -> Void) throws(ParticipationRefusal) {
    try state.withLock { state throws(ParticipationRefusal) in
      if let refusal = state.refusal { throw refusal }
      note(&state)
    }
  }

  static func info(_ name: String) -> ChannelInfo {
    ChannelInfo(
      name: name, participation: ParticipationStatus(relation: .consenter, status: .active),
      height: 1)
  }
}

enum Requests {
  static let channels = "/participation/v1/channels"

  /// The answer to a request, as `status body`, with its headers.
  static func answer(
    _ channels: TestChannels = TestChannels(), _ method: String, _ path: String,
    headers: [(String, String)] = [], body: [UInt8] = [], isEnabled: Bool = true,
    isBodyTooLarge: Bool = false
  ) async -> HTTPResponse {
    await ParticipationRoutes(
      isEnabled: isEnabled, channels: channels,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ).answer(
      HTTPRequest(method: method, path: path, headers: headers, body: body),
      isBodyTooLarge: isBodyTooLarge)
  }

  static let formHeader = ("Content-Type", "multipart/form-data; boundary=x")

  /// A form of parts with a name, a file name if any, and content.
  static func form(_ parts: [(name: String, file: String?, content: [UInt8])]) -> [UInt8] {
    var body: [UInt8] = []
    for part in parts {
      let file = part.file.map { "; filename=\"\($0)\"" } ?? ""
      body += Array(
        "--x\r\nContent-Disposition: form-data; name=\"\(part.name)\"\(file)\r\n\r\n".utf8)
      body += part.content + Array("\r\n".utf8)
    }
    return body + Array("--x--\r\n".utf8)
  }

  static func genesis(_ name: String = "app-raft-v20") throws -> [UInt8] {
    try Fixtures.bytes("blocks/\(name).block")
  }
}

extension HTTPResponse {
  var text: String { String(decoding: body, as: UTF8.self) }
  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}
