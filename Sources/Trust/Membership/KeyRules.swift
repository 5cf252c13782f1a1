// Which keys the certificates of an MSP may have, release by release. docs/identities.md has the table.

/// The kinds of keys that an MSP accepts. A channel's capabilities choose them, since releases
/// differ: 3.0 brought Ed25519, for channels with the capability V3_0, and refuses RSA identities
/// on sight.
///
/// Under older capabilities the definition of an MSP may hold any key, as in 1.x: a channel must
/// open with what it already has. `ConfigBundle` makes sure that no new key comes in that 2.x nodes
/// cannot read.
struct KeyRules: Sendable, Hashable {
  /// Whether Ed25519 identities may sign.
  let takesEd25519: Bool
  /// Whether keys that nobody can sign with are refused on sight: RSA keys of identities, and keys
  /// of CAs whose algorithm is unknown.
  let refusesUselessKeys: Bool

  /// The rules for the MSPs of a channel. Fabric 3.x: `setupV3`, `supportedPublicKeyAlgorithms`.
  init(_ version: MSPVersion) {
    takesEd25519 = version >= .v3_0
    refusesUselessKeys = version >= .v3_0
  }

  private init(takesEd25519: Bool, refusesUselessKeys: Bool) {
    self.takesEd25519 = takesEd25519
    self.refusesUselessKeys = refusesUselessKeys
  }

  /// The rules for the node's own MSP folder, which serves channels of every capability.
  static let ofLocalMSP = KeyRules(takesEd25519: true, refusesUselessKeys: false)

  /// Checks the key of a CA or an admin in an MSP's definition. Fabric: `getIdentityFromConf`.
  func checkDefined(_ certificate: ParsedCertificate) throws(CertificateProblem) {
    guard refusesUselessKeys, certificate.subjectKey.algorithm == .unknown else { return }
    throw CertificateProblem(
      "the public key of the certificate is neither ECDSA nor Ed25519 nor RSA "
        + "(\(certificate.summary))")
  }

  /// Checks the key of a certificate that is to be an identity. Fabric: `validateIdentity`.
  func checkIdentity(_ certificate: ParsedCertificate) throws(CertificateProblem) {
    switch certificate.subjectKey.algorithm {
    case .ecdsa: return
    case .ed25519:
      guard !takesEd25519 else { return }
      throw CertificateProblem(
        "Ed25519 is not supported as the key of an identity without the channel capability V3_0")
    case .rsa, .unknown:
      guard refusesUselessKeys else { return }
      throw CertificateProblem(
        "\(certificate.subjectKey.algorithm.rawValue) is not supported as the key of an identity")
    }
  }

  /// Whether nodes of releases 2.x refuse an MSP whose definition has this certificate.
  static func is2xUnable(toRead certificate: ParsedCertificate) -> Bool {
    switch certificate.subjectKey.algorithm {
    case .ecdsa, .rsa: false
    case .ed25519, .unknown: true
    }
  }
}
