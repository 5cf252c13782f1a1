// Answers of the participation API: JSON as Go's encoder writes it.

import GoText
import HTTPTransport
import Multichannel
import Ordering

/// Why a request cannot be carried out, for the client.
struct RequestProblem: Error, Equatable {
  let status: Int
  let reason: String
  /// The header `Allow` of an answer 405.
  let allow: String?

  init(status: Int, _ reason: String, allow: String? = nil) {
    self.status = status
    self.reason = reason
    self.allow = allow
  }

  var answer: HTTPResponse {
    var answer = HTTPResponse.json(
      status: status, JSONText.object([("error", reason)]) + "\n")
    if let allow { answer.headers.append(("Allow", allow)) }
    return answer
  }
}

enum ParticipationAnswers {
  /// `{"systemChannel":…,"channels":…}`
  static func list(_ names: ChannelNames) -> HTTPResponse {
    let system = names.system.map(short) ?? "null"
    let channels =
      names.channels.isEmpty ? "null" : "[\(names.channels.map(short).joined(separator: ","))]"
    return unstored(.json("{\"systemChannel\":\(system),\"channels\":\(channels)}\n"))
  }

  /// A channel that was asked for.
  static func info(_ info: ChannelInfo) -> HTTPResponse { unstored(.json(object(info))) }

  /// A channel that was joined or updated.
  static func created(_ info: ChannelInfo) -> HTTPResponse {
    var answer = HTTPResponse.json(status: 201, object(info))
    answer.headers.append(("Location", url(info.name)))
    return answer
  }

  static func block(_ bytes: [UInt8]) -> HTTPResponse {
    unstored(
      HTTPResponse(
        status: 200, headers: [("Content-Type", "application/octet-stream")], body: bytes))
  }

  static let redirect = HTTPResponse(
    status: 302, headers: [("Location", ParticipationResource.channelsPath)])

  static let notFound = HTTPResponse.text(status: 404, "404 page not found\n")

  private static func unstored(_ answer: HTTPResponse) -> HTTPResponse {
    var answer = answer
    answer.headers.append(("Cache-Control", "no-store"))
    return answer
  }

  private static func url(_ channelID: String) -> String {
    "\(ParticipationResource.channelsPath)/\(channelID)"
  }

  private static func short(_ channelID: String) -> String {
    JSONText.object([("name", channelID), ("url", url(channelID))])
  }

  private static func object(_ info: ChannelInfo) -> String {
    let texts = JSONText.object([
      ("name", info.name), ("url", url(info.name)),
      ("consensusRelation", info.participation.relation.rawValue),
      ("status", info.participation.status.rawValue),
    ])
    return texts.dropLast() + ",\"height\":\(info.height)}\n"
  }
}
