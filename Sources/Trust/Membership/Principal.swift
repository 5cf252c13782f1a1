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
    switch message.principalClassification {
    case .role:
      guard let role = try? Common_MSPRole(serializedBytes: bytes) else {
        kind = .malformed("not an MSPRole in protobuf form")
        return
      }
      guard let known = Role(role.role) else {
        kind = .malformed("unknown MSP role \(role.role.rawValue)")
        return
      }
      kind = .role(mspID: role.mspIdentifier, known)
    case .organizationUnit:
      guard let unit = try? Common_OrganizationUnit(serializedBytes: bytes) else {
        kind = .malformed("not an OrganizationUnit in protobuf form")
        return
      }
      kind = .organizationalUnit(
        mspID: unit.mspIdentifier, name: unit.organizationalUnitIdentifier,
        certifiersIdentifier: Array(unit.certifiersIdentifier))
    case .identity:
      guard let identity = try? SerializedIdentity(Array(bytes)[...]) else {
        kind = .malformed("not a SerializedIdentity in protobuf form")
        return
      }
      kind = .identity(
        identity, certificate: try? ParsedCertificate(pem: identity.certificatePEM))
    case .anonymity:
      guard let anonymity = try? Common_MSPIdentityAnonymity(serializedBytes: bytes) else {
        kind = .malformed("not an MSPIdentityAnonymity in protobuf form")
        return
      }
      switch anonymity.anonymityType {
      case .nominal: kind = .nominal
      case .anonymous: kind = .anonymous
      case .UNRECOGNIZED(let value): kind = .malformed("unknown anonymity type \(value)")
      }
    case .combined:
      guard depth < Self.maximumDepth, parts <= Self.maximumParts else {
        kind = .malformed("the combined principal is too large or too deep")
        return
      }
      guard let combined = try? Common_CombinedPrincipal(serializedBytes: bytes) else {
        kind = .malformed("not a CombinedPrincipal in protobuf form")
        return
      }
      guard !combined.principals.isEmpty else {
        kind = .malformed("no principals in the CombinedPrincipal")
        return
      }
      guard parts + combined.principals.count <= Self.maximumParts else {
        kind = .malformed("the combined principal is too large or too deep")
        return
      }
      var principals: [Principal] = []
      for part in combined.principals {
        principals.append(Principal(part, depth: depth + 1, parts: &parts))
      }
      kind = .combined(principals)
    case .UNRECOGNIZED(let value):
      kind = .malformed("unknown principal type \(value)")
    }
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
