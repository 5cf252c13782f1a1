// One certificate under one MSP, with everything the MSP has to say about it worked out once.

import FabricCrypto
import Foundation

/// An identity. It is made once, with its chain, its validity and its roles settled at that moment by the
/// MSP's configuration, never changes, and is shared by whoever holds it.
public final class Identity: Sendable {
  /// The MSP that the identity claims and was checked under.
  public let mspID: String
  /// The SerializedIdentity's bytes as they were received.
  public let serialized: [UInt8]
  /// The certificate's key.
  public let publicKey: ECDSAPublicKey
  /// Tells identities apart: equal for two serialized forms of one certificate under one MSP.
  public let uniqueKey: IdentityKey

  /// In low-S form.
  let certificate: ParsedCertificate
  /// Which MSP object settled `standing`.
  let owner: UInt64
  let standing: IdentityStanding

  init(
    mspID: String, serialized: [UInt8], certificate: ParsedCertificate,
    publicKey: ECDSAPublicKey, owner: UInt64, standing: IdentityStanding
  ) {
    self.mspID = mspID
    self.serialized = serialized
    self.certificate = certificate
    self.publicKey = publicKey
    self.owner = owner
    self.standing = standing
    uniqueKey = IdentityKey(mspID: mspID, certificate: certificate.der)
  }

  /// When the certificate's validity ends. That an identity has expired does not make it invalid here:
  /// whether expiry matters is decided where a message is admitted.
  public var expiresAt: Date? {
    Date(timeIntervalSince1970: TimeInterval(certificate.notAfter))
  }

  /// The certificate in DER, its signature in low-S form.
  public var certificateDER: [UInt8] { certificate.der }

  /// The certificate's subject and serial number, for messages.
  public var summary: String { certificate.summary }

  /// The organizational units of the certificate's subject; empty if the MSP has no chain for it.
  public var organizationalUnits: [String] { standing.organizationalUnits }

  /// What the identity is under its MSP; empty if it is not valid there.
  public var roles: RoleSet { standing.roles }

  /// Whether `signature` is this identity's over SHA-256 of `message`. High-S signatures are not.
  public func verify(message: ArraySlice<UInt8>, signature: ArraySlice<UInt8>) -> Bool {
    publicKey.isValid(signature: signature, for: message)
  }

  /// The same over the concatenation of `messageParts`, without joining them.
  public func verify(
    messageParts: [ArraySlice<UInt8>], signature: ArraySlice<UInt8>
  ) -> Bool {
    publicKey.isValid(signature: signature, forMessageParts: messageParts)
  }
}

extension Identity: CustomStringConvertible {
  /// The MSP and the certificate in short.
  public var description: String { "\(mspID) identity (\(summary))" }
}

/// What an MSP found out about a certificate.
struct IdentityStanding: Sendable {
  /// Why the identity is not valid; nil if it is.
  var problem: CertificateProblem?
  var organizationalUnits: [String] = []
  /// The hash of the CA certificates above the identity; empty without a chain.
  var certifiersIdentifier: [UInt8] = []
  var roles: RoleSet = []
}

/// A short name of an identity that is equal exactly for the same certificate under the same MSP.
/// Fabric: `IdentityIdentifier`, by which signatures of one identity are counted once.
public struct IdentityKey: Sendable, Hashable {
  /// The identity's MSP.
  public let mspID: String
  private let digest: SIMD4<UInt64>

  init(mspID: String, certificate: [UInt8]) {
    self.mspID = mspID
    var words = SIMD4<UInt64>()
    for (index, byte) in SHA256Digest.hash(certificate).enumerated() {
      words[index / 8] = words[index / 8] << 8 | UInt64(byte)
    }
    digest = words
  }
}
