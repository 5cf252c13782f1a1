// Principals: whom a policy asks for.

import FabricCrypto
import FabricProtos
import Foundation

/// A principal taken apart once, so that a policy can be evaluated many times. Making one never fails:
/// nobody satisfies a principal that makes no sense, as in Fabric, which looks at a principal only when it
/// evaluates it.
package struct Principal: Sendable {
  /// Combined principals nested deeper than this satisfy nobody.
  package static let maximumDepth = 16
  /// Combined principals with more parts than this satisfy nobody.
  package static let maximumParts = 1024

  indirect enum Kind: Sendable {
    case role(mspID: String, Role)
    case organizationalUnit(mspID: String, name: String, certifiersIdentifier: [UInt8])
    /// The certificate is nil if it cannot be read.
    case identity(SerializedIdentity, certificate: ParsedCertificate?)
    case nominal
    case anonymous
    case combined([Principal])
    case malformed(String)
  }

  let kind: Kind

  /// Takes a principal apart.
  package init(_ message: Common_MSPPrincipal) {
    var parts = 0
    self.init(message, depth: 0, parts: &parts)
  }

  private init(_ message: Common_MSPPrincipal, depth: Int, parts: inout Int) {
    parts += 1
    let bytes = message.principal
    kind =
      switch message.principalClassification {
      case .role: Self.role(bytes)
      case .organizationUnit: Self.organizationalUnit(bytes)
      case .identity: Self.identity(bytes)
      case .anonymity: Self.anonymity(bytes)
      case .combined: Self.combined(bytes, depth: depth, parts: &parts)
      case .UNRECOGNIZED(let value): .malformed("unknown principal type \(value)")
      }
  }

  private static func role(_ bytes: Data) -> Kind {
    guard let role = try? Common_MSPRole(serializedBytes: bytes) else {
      return .malformed("not an MSPRole in protobuf form")
    }
    guard let known = Role(role.role) else {
      return .malformed("unknown MSP role \(role.role.rawValue)")
    }
    return .role(mspID: role.mspIdentifier, known)
  }

  private static func organizationalUnit(_ bytes: Data) -> Kind {
    guard let unit = try? Common_OrganizationUnit(serializedBytes: bytes) else {
      return .malformed("not an OrganizationUnit in protobuf form")
    }
    return .organizationalUnit(
      mspID: unit.mspIdentifier, name: unit.organizationalUnitIdentifier,
      certifiersIdentifier: Array(unit.certifiersIdentifier))
  }

  private static func identity(_ bytes: Data) -> Kind {
    guard let identity = try? SerializedIdentity(Array(bytes)[...]) else {
      return .malformed("not a SerializedIdentity in protobuf form")
    }
    return .identity(identity, certificate: try? ParsedCertificate(pem: identity.certificatePEM))
  }

  private static func anonymity(_ bytes: Data) -> Kind {
    guard let anonymity = try? Common_MSPIdentityAnonymity(serializedBytes: bytes) else {
      return .malformed("not an MSPIdentityAnonymity in protobuf form")
    }
    switch anonymity.anonymityType {
    case .nominal: return .nominal
    case .anonymous: return .anonymous
    case .UNRECOGNIZED(let value): return .malformed("unknown anonymity type \(value)")
    }
  }

  private static func combined(_ bytes: Data, depth: Int, parts: inout Int) -> Kind {
    guard depth < maximumDepth, parts <= maximumParts else {
      return .malformed("the combined principal is too large or too deep")
    }
    guard let combined = try? Common_CombinedPrincipal(serializedBytes: bytes) else {
      return .malformed("not a CombinedPrincipal in protobuf form")
    }
    guard !combined.principals.isEmpty else {
      return .malformed("no principals in the CombinedPrincipal")
    }
    guard parts + combined.principals.count <= maximumParts else {
      return .malformed("the combined principal is too large or too deep")
    }
    var principals: [Principal] = []
    for part in combined.principals {
      principals.append(Principal(part, depth: depth + 1, parts: &parts))
    }
    return .combined(principals)
  }
}

extension Role {
  /// The role of the wire's number; nil if it is unknown.
  init?(_ role: Common_MSPRole.MSPRoleType) {
    switch role {
    case .member: self = .member
    case .admin: self = .admin
    case .client: self = .client
    case .peer: self = .peer
    case .orderer: self = .orderer
    case .UNRECOGNIZED: return nil
    }
  }
}
