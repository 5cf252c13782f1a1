// The signers of one message, deserialized once and verified at most once, for any number of policies.

import Membership

/// The identities behind a set of signatures.
///
/// An implicit-meta policy asks many sub-policies about the same signatures. The set therefore
/// resolves every identity once, when it is made, and verifies a signature when the first policy
/// needs it and never again.
///
/// The outcome is that of Fabric's `SignatureSetToValidIdentities`: identities that cannot be
/// resolved and signatures that do not verify are left out, and of several signatures of one
/// identity the first valid one counts.
package struct SignerSet: Sendable {
  /// How many signatures one message may carry. Each may cost a certificate chain and a signature
  /// verification, so a message with more is refused.
  package static let maximumSignatures = 1024

  struct Signer {
    let identity: Identity
    /// What was signed; nil if the identity was verified elsewhere.
    let signed: SignedData?
    /// Index into ``duplicates``, or -1 if no other signer has the same identity.
    var duplicates: Int
    var validity: Validity
    /// The position within the signatures handed in.
    let position: Int
  }

  enum Validity { case unknown, valid, invalid }

  /// Signers with the same identity, in order; all before `checked` are known to be invalid unless
  /// one is the winner.
  private struct Duplicates {
    var members: [Int]
    var checked = 0
    var winner: Int?
  }

  private(set) var signers: [Signer] = []
  private var duplicates: [Duplicates] = []
  private var unresolved: [String] = []

  /// How many signers may be used, counting those whose signature has not been verified yet.
  var count: Int { signers.count }

  /// Resolves the identities behind `signatures`; those that are unknown or invalid are left out.
  ///
  /// - Throws: ``PolicyError`` for more than ``maximumSignatures`` signatures.
  package init(_ signatures: [SignedData], mspManager: MSPManager) throws(PolicyError) {
    guard signatures.count <= Self.maximumSignatures else {
      throw PolicyError(
        .tooManySignatures,
        "the message carries \(signatures.count) signatures, at most "
          + "\(Self.maximumSignatures) are evaluated; leave out the ones that are not needed")
    }
    signers.reserveCapacity(signatures.count)
    for (position, signed) in signatures.enumerated() {
      do throws(MembershipError) {
        let identity = try mspManager.validIdentity(serialized: signed.identity)
        signers.append(
          Signer(
            identity: identity, signed: signed, duplicates: -1, validity: .unknown,
            position: position))
      } catch {
        unresolved.append("signature \(position): invalid identity: \(error)")
      }
    }
    if signers.count > 1 { linkDuplicates() }
  }

  /// Takes identities whose signatures were verified elsewhere. As in Fabric, duplicates among them
  /// are not removed.
  package init(verified identities: [Identity]) {
    signers = identities.enumerated().map {
      Signer(
        identity: $0.element, signed: nil, duplicates: -1, validity: .valid, position: $0.offset)
    }
  }

  private mutating func linkDuplicates() {
    var first = [:] as [IdentityKey: Int]
    for index in signers.indices {
      let key = signers[index].identity.uniqueKey
      guard let earlier = first[key] else {
        first[key] = index
        continue
      }
      if signers[earlier].duplicates < 0 {
        signers[earlier].duplicates = duplicates.count
        duplicates.append(Duplicates(members: [earlier]))
      }
      let group = signers[earlier].duplicates
      signers[index].duplicates = group
      duplicates[group].members.append(index)
    }
  }

  /// Whether the signer at `index` was already found unfit, without verifying anything.
  func isExcluded(_ index: Int) -> Bool {
    if signers[index].validity == .invalid { return true }
    let group = signers[index].duplicates
    guard group >= 0, let winner = duplicates[group].winner else { return false }
    return winner != index
  }

  /// Whether the signer at `index` counts: its signature verifies and no earlier signature of the
  /// same identity does.
  mutating func counts(_ index: Int) -> Bool {
    let group = signers[index].duplicates
    guard group >= 0 else { return verify(index) }
    while duplicates[group].winner == nil,
      duplicates[group].checked < duplicates[group].members.count
    {
      let candidate = duplicates[group].members[duplicates[group].checked]
      guard candidate <= index else { break }
      duplicates[group].checked += 1
      if verify(candidate) { duplicates[group].winner = candidate }
    }
    return duplicates[group].winner == index
  }

  private mutating func verify(_ index: Int) -> Bool {
    switch signers[index].validity {
    case .valid: return true
    case .invalid: return false
    case .unknown:
      guard let signed = signers[index].signed else { return false }
      let valid = Self.verify(signed, by: signers[index].identity)
      signers[index].validity = valid ? .valid : .invalid
      return valid
    }
  }

  private static func verify(_ signed: SignedData, by identity: Identity) -> Bool {
    if signed.data.count == 1 {
      return identity.verify(message: signed.data[0], signature: signed.signature)
    }
    return identity.verify(messageParts: signed.data, signature: signed.signature)
  }

  /// Which signatures were left out so far, and why; for a debug log.
  package var exclusions: [String] {
    var result = unresolved
    for index in signers.indices where isExcluded(index) {
      let signer = signers[index]
      let reason =
        signer.validity == .invalid
        ? "the signature is invalid" : "another signature of the same identity counts already"
      result.append("signature \(signer.position) of \(signer.identity.mspID): \(reason)")
    }
    return result
  }
}
