// What can go wrong while keys and signatures are read or made.

/// A failure of a cryptographic operation, told so that an operator can act on it.
///
/// A signature that does not verify is not an error: verification answers `false`.
package enum CryptoError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A public key that is malformed, or of a kind that verifies no signatures here.
  case invalidPublicKey(String)
  /// A private key that cannot be read, or that is of a kind that is not supported.
  case invalidPrivateKey(String)
  /// The key could not sign.
  case signingFailed(String)

  /// The reason in words.
  package var description: String {
    switch self {
    case .invalidPublicKey(let reason): "invalid public key: \(reason)"
    case .invalidPrivateKey(let reason): "invalid private key: \(reason)"
    case .signingFailed(let reason): "signing failed: \(reason)"
    }
  }
}
