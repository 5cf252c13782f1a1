// Who can sign in the name of an identity.

import FabricCrypto
import FabricProtos

/// Signs messages as one identity.
package protocol Signer: Sendable {
  /// The SerializedIdentity to put beside signatures.
  var serializedIdentity: [UInt8] { get }

  /// A DER signature with low S over SHA-256 of the concatenation of `parts`.
  func sign(_ parts: [ArraySlice<UInt8>]) throws -> [UInt8]
}

/// What signs for the channel's blocks; any signer can.
package typealias BlockSigner = Signer

/// An identity together with its private key.
package struct SigningIdentity: Signer {
  /// The MSP that the identity belongs to.
  package var mspID: String { identity.mspID }
  /// The public side.
  package let identity: Identity
  /// The certificate in PEM, as it stands in the serialized identity.
  package let certificatePEM: [UInt8]

  private let privateKey: ECDSAPrivateKey

  /// Puts an identity and its key together; nil if the key is another one's.
  init?(identity: Identity, certificatePEM: [UInt8], privateKey: ECDSAPrivateKey) {
    guard privateKey.publicKey == identity.publicKey else { return nil }
    self.identity = identity
    self.certificatePEM = certificatePEM
    self.privateKey = privateKey
  }

  /// The SerializedIdentity to put beside signatures.
  package var serializedIdentity: [UInt8] { identity.serialized }

  /// A DER signature with low S over SHA-256 of the concatenation of `parts`.
  package func sign(_ parts: [ArraySlice<UInt8>]) throws -> [UInt8] {
    try privateKey.sign(parts)
  }
}
