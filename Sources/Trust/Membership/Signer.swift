// Who can sign in the name of an identity.

import FabricCrypto
import FabricProtos

/// Signs messages as one identity.
package protocol Signer: Sendable {
  /// The SerializedIdentity to put beside signatures.
  var serializedIdentity: [UInt8] { get }

  /// A signature over the concatenation of `parts`: for ECDSA of SHA-256, in DER, with low S; for
  /// Ed25519 of the message itself.
  func sign(_ parts: [ArraySlice<UInt8>]) throws -> [UInt8]
}

/// An identity together with its private key.
package struct SigningIdentity: Signer {
  /// The MSP that the identity belongs to.
  package var mspID: String { identity.mspID }
  /// The public side.
  package let identity: Identity
  /// The certificate in PEM, as it stands in the serialized identity.
  package let certificatePEM: [UInt8]

  private let privateKey: PrivateKey

  /// Puts an identity and its key together; nil if the key belongs to another one.
  init?(identity: Identity, certificatePEM: [UInt8], privateKey: PrivateKey) {
    guard privateKey.publicKey == identity.publicKey else { return nil }
    self.identity = identity
    self.certificatePEM = certificatePEM
    self.privateKey = privateKey
  }

  /// The SerializedIdentity to put beside signatures.
  package var serializedIdentity: [UInt8] { identity.serialized }

  /// A signature over the concatenation of `parts`.
  package func sign(_ parts: [ArraySlice<UInt8>]) throws -> [UInt8] {
    try privateKey.sign(parts)
  }
}
