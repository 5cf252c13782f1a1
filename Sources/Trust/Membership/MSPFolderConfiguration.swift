// config.yaml of an MSP folder.

import FabricProtos
import Foundation
import Yams

/// What config.yaml may say. Keys it does not know are passed over, as Fabric does.
struct MSPFolderConfiguration: Decodable {
  /// A unit, and the path of a CA certificate relative to the folder.
  struct Unit: Decodable {
    var certificate: String?
    var organizationalUnitIdentifier: String?

    enum CodingKeys: String, CodingKey {
      case certificate = "Certificate"
      case organizationalUnitIdentifier = "OrganizationalUnitIdentifier"
    }
  }

  struct NodeOUs: Decodable {
    var enable: Bool?
    var client: Unit?
    var peer: Unit?
    var admin: Unit?
    var orderer: Unit?

    enum CodingKeys: String, CodingKey {
      case enable = "Enable"
      case client = "ClientOUIdentifier"
      case peer = "PeerOUIdentifier"
      case admin = "AdminOUIdentifier"
      case orderer = "OrdererOUIdentifier"
    }
  }

  var organizationalUnitIdentifiers: [Unit]?
  var nodeOUs: NodeOUs?

  enum CodingKeys: String, CodingKey {
    case organizationalUnitIdentifiers = "OrganizationalUnitIdentifiers"
    case nodeOUs = "NodeOUs"
  }

  /// No configuration.
  init() {}

  /// The configuration of a folder; an empty one if there is no config.yaml.
  init(_ folder: MSPFolder) throws(MembershipError) {
    let path = folder.path("config.yaml")
    guard MSPFolder.kind(ofItemAt: path).exists else {
      self.init()
      return
    }
    let bytes = try folder.contents(of: path, what: "the configuration file")
    let text = String(decoding: bytes, as: UTF8.self)
    do {
      // A file with comments only configures nothing.
      if try Yams.compose(yaml: text)?.isNothing ?? true {
        self.init()
      } else {
        self = try YAMLDecoder().decode(Self.self, from: text)
      }
    } catch {
      throw folder.problem("the configuration file '\(path)' is not valid: \(Self.words(error))")
    }
  }

  private static func words(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "\(error)" }
    func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      let cause = context.underlyingError.map { ": \($0)" } ?? ""
      return (path.isEmpty ? "" : "\(path): ") + context.debugDescription + cause
    }
    switch error {
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .keyNotFound(_, let context), .dataCorrupted(let context):
      return place(context)
    @unknown default:
      return "\(error)"
    }
  }
}

extension Yams.Node {
  /// Whether the document is empty or null.
  fileprivate var isNothing: Bool {
    guard case .scalar(let scalar) = self else { return false }
    return ["", "null", "~", "Null", "NULL"].contains(scalar.string)
  }
}
