// The REST API with which operators have a node join and leave channels (Fabric: `osnadmin`).

import FabricProtos
import HTTPTransport
import Logging
import Multichannel
import NIOCore

/// The channel participation API (Fabric: `orderer/common/channelparticipation`).
///
/// It has the requests of Fabric 2.5 and those that 3.x adds, config updates and blocks. Where the two
/// releases contradict each other, it answers as 2.5 does.
package struct ParticipationRoutes: Sendable {
  /// The largest body that a request may have, whatever the settings say.
  package static let maximumBodyBytes = 256 << 20

  /// `ChannelParticipation.Enabled`; if false, every answer is 503.
  private let isEnabled: Bool
  private let channels: any ChannelManagement
  private let logger: Logger

  package init(isEnabled: Bool, channels: any ChannelManagement, logger: Logger) {
    self.isEnabled = isEnabled
    self.channels = channels
    self.logger = logger
  }

  /// The API as the route of a server.
  ///
  /// - Parameter maximumBodyBytes: `ChannelParticipation.MaxRequestBodySize`
  package func route(maximumBodyBytes: Int) -> HTTPRoute {
    HTTPRoute(
      path: ParticipationResource.basePath, access: .clientCertificate,
      bodyLimit: maximumBodyBytes,
      oversized: { await answer($0, isBodyTooLarge: true) },
      handler: { await answer($0) })
  }

  /// - Parameter isBodyTooLarge: Whether the body was left out because it is larger than the node takes.
  func answer(_ request: HTTPRequest, isBodyTooLarge: Bool = false) async -> HTTPResponse {
    do throws(RequestProblem) {
      guard isEnabled else {
        throw RequestProblem(status: 503, "channel participation API is disabled")
      }
      return try await carryOut(request, isBodyTooLarge: isBodyTooLarge)
    } catch {
      logger.debug("\(request.method) \(request.path): \(error.status) \(error.reason)")
      return error.answer
    }
  }

  private func carryOut(
    _ request: HTTPRequest, isBodyTooLarge: Bool
  ) async throws(RequestProblem) -> HTTPResponse {
    guard let resource = ParticipationResource(path: request.path) else {
      return ParticipationAnswers.notFound
    }
    switch (request.method, resource) {
    case ("GET", .base): return ParticipationAnswers.redirect
    case ("GET", .channels):
      try Self.checkAccept(request)
      return ParticipationAnswers.list(channels.channelNames)
    case ("POST", .channels), ("PUT", .channels):
      try ParticipationForm.checkContentType(request)
      try Self.checkAccept(request)
      let form = try ParticipationForm(request)
      if isBodyTooLarge { throw ParticipationForm.tooLarge }
      return try await request.method == "POST"
        ? join(form, request.body) : update(form, request.body)
    case ("GET", .channel(let name)):
      try Self.checkAccept(request)
      return try info(name)
    case ("DELETE", .channel(let name)):
      try Self.checkAccept(request)
      return try await remove(name)
    case ("GET", .block(let place, let name)):
      try Self.checkAccept(request)
      return try await block(place, of: name)
    case (_, .base): return HTTPResponse(status: 405)
    default:
      throw RequestProblem(
        status: 405, "invalid request method: \(request.method)", allow: resource.allowedMethods)
    }
  }

  /// - Throws: ``RequestProblem`` with status 406 unless the client takes JSON.
  private static func checkAccept(_ request: HTTPRequest) throws(RequestProblem) {
    guard let accepted = request.header("Accept"), !accepted.isEmpty else { return }
    let known = ["application/json", "application/*", "*/*"]
    guard known.contains(where: { accepted.contains($0) }) else {
      throw RequestProblem(status: 406, "response Content-Type is application/json only")
    }
  }

  // MARK: Requests

  private func info(_ name: String) throws(RequestProblem) -> HTTPResponse {
    let channelID = try PathCheck.channelID(name)
    do {
      return ParticipationAnswers.info(try channels.info(of: channelID))
    } catch { throw RequestProblem(status: 404, "\(error)") }
  }

  private func join(
    _ form: ParticipationForm, _ body: [UInt8]
  ) async throws(RequestProblem) -> HTTPResponse {
    let bytes = try form.file(ParticipationForm.configBlock, in: body)
    let block: JoinBlock
    do { block = try JoinBlock(bytes) } catch {
      switch error {
      case .noBlock:
        throw RequestProblem(
          status: 400,
          "cannot unmarshal file part \(ParticipationForm.configBlock) into a block: \(error)")
      case .invalid: throw RequestProblem(status: 400, "\(error)")
      }
    }
    do {
      return ParticipationAnswers.created(try await channels.join(block))
    } catch { throw error.problem(of: .join) }
  }

  private func update(
    _ form: ParticipationForm, _ body: [UInt8]
  ) async throws(RequestProblem) -> HTTPResponse {
    let bytes = try form.file(ParticipationForm.configUpdate, in: body)
    let update = try ConfigUpdateRequest(bytes)
    do {
      return ParticipationAnswers.created(
        try await channels.update(update.channelID, with: update.envelope))
    } catch { throw error.problem(of: .update) }
  }

  private func remove(_ name: String) async throws(RequestProblem) -> HTTPResponse {
    let channelID = try PathCheck.channelID(name)
    do {
      try await channels.remove(channelID)
      return HTTPResponse(status: 204)
    } catch { throw error.problem(of: .remove) }
  }

  private func block(_ text: String, of name: String) async throws(RequestProblem) -> HTTPResponse {
    let channelID = try PathCheck.channelID(name)
    let place = try PathCheck.blockPlace(text)
    do {
      let block = try await channels.block(at: place, of: channelID)
      return ParticipationAnswers.block(Array(block.readableBytesView))
    } catch { throw RequestProblem(status: 404, "\(error)") }
  }
}
