// Whether a block carries the signatures that its channel's configuration asks for.

import ChannelConfig
import FabricProtos
import Membership
import Policies

/// Judges blocks that others sealed.
///
/// Numbers and links are for ``ChainEnd``, data hashes for `SealedBlock(verifying:)`; this is about who
/// signed.
package enum BlockVerifier {
  /// The result of checking the signatures of one block.
  package enum Outcome: Sendable, Equatable {
    case valid
    /// There is no signature at all.
    case unsigned
    /// The signatures do not satisfy the policy; the reason says why.
    case invalid(String)

    /// What is wrong with the block, in words; nil if nothing is.
    package var problem: String? {
      switch self {
      case .valid: nil
      case .unsigned: "it is not signed"
      case .invalid(let reason): "its signatures are not valid: \(reason)"
      }
    }
  }

  /// The most signatures that are looked at in one block.
  package static let maximumSignatures = 1_000

  /// Evaluates the policy `BlockValidation` of `bundle`, the configuration in force before the block
  /// (Fabric: `protoutil.BlockSignatureVerifier`).
  ///
  /// In a channel of BFT consenters that policy names each of them, and how many must have signed. A
  /// signature names its consenter by number.
  package static func checkSignatures(of block: Block, against bundle: ConfigBundle) -> Outcome {
    guard let metadata = block.signatures else {
      return .invalid("the metadata with the signatures is not readable")
    }
    guard !metadata.signatures.isEmpty else { return .unsigned }
    guard metadata.signatures.count <= maximumSignatures else {
      return .invalid("it has \(metadata.signatures.count) signatures")
    }
    let value = [UInt8](metadata.value)
    let header = block.header.derBytes()
    var signed: [SignedData] = []
    for signature in metadata.signatures {
      switch signer(of: signature, in: bundle) {
      case .identity(let identity, let signerHeader):
        signed.append(
          SignedData(
            data: [value[...], signerHeader[...], header[...]], identity: identity[...],
            signature: [UInt8](signature.signature)[...]))
      case .noConsenter: continue
      case .unreadable(let reason): return .invalid(reason)
      }
    }
    guard let policy = bundle.policyManager.policy(PolicyPath.blockValidation) else {
      return .invalid("the configuration in force has no policy \(PolicyPath.blockValidation)")
    }
    do {
      try policy.evaluate(signed)
      return .valid
    } catch {
      return .invalid("\(error)")
    }
  }

  private enum SignerOutcome {
    case identity([UInt8], header: [UInt8])
    /// A number that no consenter of the channel has; the signature does not count.
    case noConsenter
    case unreadable(String)
  }

  private static func signer(
    of signature: Common_MetadataSignature, in bundle: ConfigBundle
  ) -> SignerOutcome {
    if bundle.channel.capabilities.consensusTypeBFT, signature.signatureHeader.isEmpty,
      !signature.identifierHeader.isEmpty
    {
      guard let parsed = try? Common_IdentifierHeader(serializedBytes: signature.identifierHeader)
      else { return .unreadable("the header of a consenter's signature is not readable") }
      guard let identity = identity(ofConsenter: parsed.identifier, in: bundle) else {
        return .noConsenter
      }
      return .identity(identity, header: [UInt8](signature.identifierHeader))
    }
    guard let parsed = try? Common_SignatureHeader(serializedBytes: signature.signatureHeader)
    else { return .unreadable("the header of a signature is not readable") }
    return .identity([UInt8](parsed.creator), header: [UInt8](signature.signatureHeader))
  }

  /// The serialized identity of a BFT consenter.
  private static func identity(ofConsenter number: UInt32, in bundle: ConfigBundle) -> [UInt8]? {
    guard let consenter = bundle.orderer?.consenters.first(where: { $0.id == number }) else {
      return nil
    }
    return SerializedIdentity.serialize(
      mspID: consenter.mspID, certificatePEM: [UInt8](consenter.identity))
  }
}
