// One certificate under one MSP, with everything the MSP has to say about it worked out once.

import FabricCrypto
import Foundation
import Synchronization

/// An identity. The MSP's configuration settles its chain, its validity and its roles when it is
/// made. It is immutable and shared.
package final class Identity: Sendable {
  /// The MSP that the identity claims and was checked under.
  package let mspID: String
  /// The SerializedIdentity's bytes as they were received.
  package let serialized: [UInt8]
  /// The certificate's key.
  package let publicKey: PublicKey
  /// Tells identities apart: equal for two serialized forms of one certificate under one MSP.
  package let uniqueKey: IdentityKey

  /// In low-S form.
  let certificate: ParsedCertificate
  /// Which MSP object settled `standing`.
  let owner: UInt64
  let standing: IdentityStanding
  /// The key again, once its uses count.
  private let member = AtomicLazyReference<MemberKey>()

  init(
    mspID: String, serialized: [UInt8], certificate: ParsedCertificate,
    publicKey: PublicKey, owner: UInt64, standing: IdentityStanding
  ) {
    self.mspID = mspID
    self.serialized = serialized
    self.certificate = certificate
    self.publicKey = publicKey
    self.owner = owner
    self.standing = standing
    uniqueKey = IdentityKey(mspID: mspID, certificate: certificate.der)
  }

  /// When the certificate's validity ends. An identity that has expired is still valid here: whether
  /// expiry matters is decided where a message is admitted.
  package var expiresAt: Date? {
    Date(timeIntervalSince1970: TimeInterval(certificate.notAfter))
  }

  /// The certificate in DER, its signature in low-S form.
  package var certificateDER: [UInt8] { certificate.der }

  /// The certificate's subject and serial number, for messages.
  package var summary: String { certificate.summary }

  /// The organizational units of the certificate's subject; empty if the MSP has no chain for it.
  package var organizationalUnits: [String] { standing.organizationalUnits }

  /// What the identity is under its MSP; empty if it is not valid there.
  package var roles: RoleSet { standing.roles }

  /// From now on valid signatures count, and a key that signs often is verified with a table. To be called
  /// once the identity has been found valid, so that only members have tables.
  func countUses(in tables: KeyTables) {
    guard let key = MemberKey(publicKey, tables: tables) else { return }
    _ = member.storeIfNil(key)
  }

  /// Whether verification has become faster for this identity.
  package var hasTable: Bool { member.load()?.hasTable ?? false }

  /// Whether `signature` is this identity's over `message`. High-S signatures are not.
  package func verify(message: ArraySlice<UInt8>, signature: ArraySlice<UInt8>) -> Bool {
    verify(messageParts: [message], signature: signature)
  }

  /// The same over the concatenation of `messageParts`, without joining them.
  package func verify(
    messageParts: [ArraySlice<UInt8>], signature: ArraySlice<UInt8>
  ) -> Bool {
    guard let key = member.load() else {
      return publicKey.isValid(signature: signature, forMessageParts: messageParts)
    }
    return key.isValid(signature: signature, forMessageParts: messageParts)
  }
}

extension Identity: CustomStringConvertible {
  /// The MSP and the certificate in short.
  package var description: String { "\(mspID) identity (\(summary))" }
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

/// A short name of an identity, equal if and only if certificate and MSP are the same.
/// Fabric: `IdentityIdentifier`, by which signatures of one identity are counted once.
package struct IdentityKey: Sendable, Hashable {
  /// The identity's MSP.
  package let mspID: String
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
