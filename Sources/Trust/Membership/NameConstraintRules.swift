// X.509 name constraints: which names a CA may certify.

import SwiftASN1
import X509

/// The checks of Go's `crypto/x509` on the names of a chain, and the stricter one of Go 1.14 that Fabric
/// keeps. Fabric: `msp/mspimpl.go` (`verifyLegacyNameConstraints`).
enum NameConstraintRules {
  /// The kinds of names that constraints are checked for. Constraints on other kinds are not
  /// understood, which matters when they are critical.
  static func understands(_ name: GeneralName) -> Bool {
    switch name {
    case .dnsName, .rfc822Name, .uniformResourceIdentifier, .ipAddress: true
    default: false
    }
  }

  /// Checks a chain, leaf first.
  static func check(_ chain: [ParsedCertificate]) throws(CertificateProblem) {
    for (index, authority) in chain.enumerated() {
      guard let constraints = authority.extensions.nameConstraints else { continue }
      for subordinate in chain[..<index] {
        for name in subordinate.extensions.subjectAlternativeNames where understands(name) {
          try check(name, against: constraints, of: authority)
        }
      }
    }
  }

  /// A constrained CA must not issue a certificate that carries its host name in the common name
  /// only. This is checked for the one chain that was found, and plays no part in finding it.
  static func checkLegacy(_ chain: [ParsedCertificate]) throws(CertificateProblem) {
    guard let leaf = chain.first, leaf.extensions.subjectAlternativeNamesDER == nil,
      chain.dropFirst().contains(where: { $0.extensions.nameConstraints != nil }),
      let commonName = leaf.subjectAttributes(.RDNAttributeType.commonName).last,
      isHostName(commonName)
    else { return }
    throw CertificateProblem(
      "the issuing CA has name constraints, but the certificate has no subject alternative name")
  }

  private static func check(
    _ name: GeneralName, against constraints: NameConstraints, of authority: ParsedCertificate
  ) throws(CertificateProblem) {
    if case .uniformResourceIdentifier(let address) = name, host(ofURI: address) == nil {
      throw CertificateProblem("\(name) cannot be checked against the name constraints of the CA")
    }
    let permitted = constraints.permittedSubtrees.filter { isSameKind($0, name) }
    if !permitted.isEmpty, !permitted.contains(where: { matches(name, constraint: $0) }) {
      throw CertificateProblem("\(name) is not permitted by the name constraints of the CA")
    }
    for excluded in constraints.excludedSubtrees where matches(name, constraint: excluded) {
      throw CertificateProblem("\(name) is excluded by the name constraints of the CA")
    }
  }

  private static func isSameKind(_ left: GeneralName, _ right: GeneralName) -> Bool {
    switch (left, right) {
    case (.dnsName, .dnsName), (.rfc822Name, .rfc822Name), (.ipAddress, .ipAddress),
      (.uniformResourceIdentifier, .uniformResourceIdentifier):
      true
    default: false
    }
  }

  /// Whether `name` lies in the subtree that `constraint` describes.
  private static func matches(_ name: GeneralName, constraint: GeneralName) -> Bool {
    switch (name, constraint) {
    case (.dnsName(let host), .dnsName(let domain)):
      return isInDomain(host, domain)
    case (.rfc822Name(let mailbox), .rfc822Name(let limit)):
      guard let at = mailbox.utf8.lastIndex(of: UInt8(ascii: "@")) else { return false }
      let host = String(mailbox[mailbox.index(after: at)...])
      if let limitAt = limit.utf8.lastIndex(of: UInt8(ascii: "@")) {
        return mailbox[..<at] == limit[..<limitAt]
          && host.lowercased() == limit[limit.index(after: limitAt)...].lowercased()
      }
      return isInDomain(host, limit)
    case (.uniformResourceIdentifier(let address), .uniformResourceIdentifier(let domain)):
      guard let host = host(ofURI: address) else { return false }
      return isInDomain(host, domain)
    case (.ipAddress(let address), .ipAddress(let range)):
      let address = address.bytes
      let range = range.bytes
      guard range.count == 2 * address.count else { return false }
      let mask = range.dropFirst(address.count)
      return zip(zip(address, range), mask).allSatisfy { pair, mask in
        pair.0 & mask == pair.1 & mask
      }
    default:
      return false
    }
  }

  private static func isInDomain(_ host: String, _ domain: String) -> Bool {
    let host = host.lowercased()
    let domain = domain.lowercased()
    if domain.isEmpty || host == domain { return true }
    return host.hasSuffix(domain.hasPrefix(".") ? domain : "." + domain)
  }

  private static func host(ofURI address: String) -> String? {
    guard let scheme = address.range(of: "://") else { return nil }
    var authority = address[scheme.upperBound...].prefix { !"/?#".contains($0) }
    if let at = authority.lastIndex(of: "@") {
      authority = authority[authority.index(after: at)...]
    }
    if authority.hasPrefix("[") { return nil }
    let host = authority.prefix { $0 != ":" }
    return host.isEmpty ? nil : String(host)
  }

  /// Whether a common name could be meant as a host name, by the lenient rule of Go 1.14.
  static func isHostName(_ name: String) -> Bool {
    let trimmed = name.hasSuffix(".") ? name.dropLast() : name[...]
    guard !trimmed.isEmpty else { return false }
    let labels = trimmed.split(separator: ".", omittingEmptySubsequences: false)
    for (position, label) in labels.enumerated() {
      if label.isEmpty { return false }
      if position == 0, label == "*" { continue }
      for (index, byte) in label.utf8.enumerated() {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"):
          continue
        case UInt8(ascii: "-") where index != 0:
          continue
        default:
          return false
        }
      }
    }
    return true
  }
}
