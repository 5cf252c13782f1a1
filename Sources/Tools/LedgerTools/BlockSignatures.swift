// Whether a block carries the signatures that its channel's configuration asks for.

import ChannelConfig
import FabricProtos
import Membership
import Policies

/// What checking the signatures of one block came to.
enum SignatureOutcome: Sendable, Equatable {
  case valid
  /// There is no signature at all.
  case unsigned
  /// The signatures do not satisfy the policy; the reason says why.
  case invalid(String)
}

enum BlockSignatures {
  /// Signatures that are looked at in one block.
  private static let maximumSignatures = 1_000

  /// Evaluates the policy `BlockValidation` of `bundle` (Fabric: `protoutil.BlockSignatureVerifier`).
  ///
  /// In a channel of BFT consenters that policy names each of them, and how many have to have signed. A
  /// signature says by its number which consenter made it.
  static func check(_ block: Block, against bundle: ConfigBundle) -> SignatureOutcome {
    let index = Common_BlockMetadataIndex.signatures.rawValue
    guard block.metadata.indices.contains(index),
      let metadata = try? Common_Metadata(serializedBytes: block.metadata[index])
    else { return .invalid("the metadata with the signatures is not readable") }
    guard !metadata.signatures.isEmpty else { return .unsigned }
    guard metadata.signatures.count <= maximumSignatures else {
      return .invalid("it has \(metadata.signatures.count) signatures")
    }
    let value = [UInt8](metadata.value)
    let header = block.header.derBytes()
    var signed: [SignedData] = []
    for signature in metadata.signatures {
      if bundle.channel.capabilities.consensusTypeBFT, signature.signatureHeader.isEmpty,
        !signature.identifierHeader.isEmpty
      {
        guard
          let parsed = try? Common_IdentifierHeader(serializedBytes: signature.identifierHeader)
        else { return .invalid("the header of a consenter's signature is not readable") }
        // Who is no consenter does not count.
        guard let identity = identity(ofConsenter: parsed.identifier, in: bundle) else { continue }
        signed.append(
          SignedData(
            data: [value[...], [UInt8](signature.identifierHeader)[...], header[...]],
            identity: identity[...], signature: [UInt8](signature.signature)[...]))
        continue
      }
      guard let parsed = try? Common_SignatureHeader(serializedBytes: signature.signatureHeader)
      else { return .invalid("the header of a signature is not readable") }
      signed.append(
        SignedData(
          data: [value[...], [UInt8](signature.signatureHeader)[...], header[...]],
          identity: [UInt8](parsed.creator)[...], signature: [UInt8](signature.signature)[...]))
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

  /// The serialized identity of a BFT consenter.
  private static func identity(ofConsenter number: UInt32, in bundle: ConfigBundle) -> [UInt8]? {
    guard let consenter = bundle.orderer?.consenters.first(where: { $0.id == number }) else {
      return nil
    }
    return SerializedIdentity.serialize(
      mspID: consenter.mspID, certificatePEM: [UInt8](consenter.identity))
  }
}

extension Block {
  /// The envelope of a CONFIG message if that is all that the block holds.
  var configEnvelope: EnvelopeView? {
    guard data.count == 1, let envelope = try? EnvelopeView(data[0]),
      Int(envelope.headerType) == Common_HeaderType.config.rawValue
    else { return nil }
    return envelope
  }
}
