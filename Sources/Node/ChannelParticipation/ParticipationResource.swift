// What a path of the participation API names.

import ChannelConfig
import Multichannel

/// A resource of the API. Names in paths are not checked yet.
enum ParticipationResource: Equatable {
  /// `/participation/v1/`
  case base
  /// `/participation/v1/channels`
  case channels
  /// `/participation/v1/channels/C`
  case channel(String)
  /// `/participation/v1/channels/C/blocks/B`
  case block(String, of: String)

  static let basePath = "/participation/v1/"
  static let channelsPath = basePath + "channels"

  /// nil if the API has no such resource.
  ///
  /// - Parameter path: Decoded, and without empty elements but at its end.
  init?(path: String) {
    guard path.hasPrefix(Self.basePath) else { return nil }
    let elements = path.dropFirst(Self.basePath.count)
      .split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    switch elements.count {
    case 1 where elements[0].isEmpty: self = .base
    case 1 where elements[0] == "channels": self = .channels
    case 2 where elements[0] == "channels" && !elements[1].isEmpty: self = .channel(elements[1])
    case 4 where elements[0] == "channels" && elements[2] == "blocks":
      guard !elements[1].isEmpty, !elements[3].isEmpty else { return nil }
      self = .block(elements[3], of: elements[1])
    default: return nil
    }
  }

  /// The methods that it knows, as the header `Allow` names them. PUT on channels works too, but releases
  /// before 3.0 do not name it.
  var allowedMethods: String {
    switch self {
    case .base, .block: "GET"
    case .channels: "GET, POST"
    case .channel: "GET, DELETE"
    }
  }
}

/// Names in paths that cannot be what they should.
enum PathCheck {
  /// - Throws: ``RequestProblem`` with status 400.
  static func channelID(_ name: String) throws(RequestProblem) -> String {
    do {
      try ChannelName.check(name)
      return name
    } catch { throw RequestProblem(status: 400, "invalid channel ID: \(error)") }
  }

  /// - Throws: ``RequestProblem`` with status 400.
  static func blockPlace(_ text: String) throws(RequestProblem) -> BlockPlace {
    switch text {
    case "oldest": return .oldest
    case "newest": return .newest
    case "config": return .config
    default:
      // A number below zero is one, but no block has it.
      guard let number = Int64(text) else {
        throw RequestProblem(
          status: 400, "invalid block ID: '\(text)' not equal <newest|oldest|config|(number)>")
      }
      return .number(UInt64(bitPattern: number))
    }
  }
}
