// The private key of an identity, whatever its algorithm.

/// A key that signs as Fabric does: low-S ECDSA over SHA-256, or Ed25519 over the message.
package enum PrivateKey: Sendable {
  case ecdsa(ECDSAPrivateKey)
  case ed25519(Ed25519PrivateKey)

  /// Reads the first private key of a PEM text: PKCS#8 (`PRIVATE KEY`) or SEC 1 (`EC PRIVATE KEY`).
  package init(pem: [UInt8]) throws(CryptoError) {
    try self.init(der: Self.der(ofPEM: pem))
  }

  /// Reads a key in DER: PKCS#8 or SEC 1.
  package init(der: [UInt8]) throws(CryptoError) {
    if let key = try? Ed25519PrivateKey(der: der) {
      self = .ed25519(key)
    } else if let key = try? ECDSAPrivateKey(der: der) {
      self = .ecdsa(key)
    } else {
      throw .invalidPrivateKey(
        "neither an ECDSA key on P-256, P-384 or P-521 nor an Ed25519 key, in PKCS#8 or SEC 1 form; "
          + "nodes do not sign with keys of other kinds, such as RSA")
    }
  }

  /// The public half.
  package var publicKey: PublicKey {
    switch self {
    case .ecdsa(let key): .ecdsa(key.publicKey)
    case .ed25519(let key): .ed25519(key.publicKey)
    }
  }

  /// The key in PKCS#8 PEM.
  package var pkcs8PEM: [UInt8] {
    switch self {
    case .ecdsa(let key): key.pkcs8PEM
    case .ed25519(let key): key.pkcs8PEM
    }
  }

  /// A signature over the concatenation of `parts`: in ASN.1 with low S for ECDSA, 64 bytes for Ed25519.
  package func sign(_ parts: [ArraySlice<UInt8>]) throws(CryptoError) -> [UInt8] {
    switch self {
    case .ecdsa(let key): try key.sign(parts)
    case .ed25519(let key): try key.sign(parts)
    }
  }

  /// The first block of a PEM text that is a private key. Other blocks, such as `EC PARAMETERS`, are
  /// passed over. Encrypted keys are refused.
  static func der(ofPEM pem: [UInt8]) throws(CryptoError) -> [UInt8] {
    let blocks = PEM.decodeAll(pem)
    guard let block = blocks.first(where: { $0.type.hasSuffix("PRIVATE KEY") }) else {
      throw .invalidPrivateKey(
        blocks.isEmpty
          ? "no PEM block found"
          : "no PEM block of type PRIVATE KEY or EC PRIVATE KEY found")
    }
    guard block.type != "ENCRYPTED PRIVATE KEY", block.headers["DEK-Info"] == nil else {
      throw .invalidPrivateKey("the key is encrypted; store it unencrypted with tight permissions")
    }
    return block.der
  }
}
