// Whether a block's last signature is the one that was written, for ledgers that are opened after a crash.

import BlockLedger
import FabricCrypto
import FabricProtos

/// Verifies a last signature that ends with a zero.
///
/// Uses the key that the signer names, whether or not the channel trusts it: all that matters here
/// is whether this is what was written.
package struct CutSignatures: SignatureProbe {
  package init() {}

  package func isLastSignatureCut(_ metadata: [UInt8], of header: BlockHeader) -> Bool {
    guard let metadata = try? Common_Metadata(serializedBytes: metadata),
      let last = metadata.signatures.last, last.signature.last == 0,
      let signatureHeader = try? Common_SignatureHeader(serializedBytes: last.signatureHeader),
      let identity = try? Msp_SerializedIdentity(serializedBytes: signatureHeader.creator),
      let certificate = PEM.decodeFirst(Array(identity.idBytes)[...])?.block.der,
      let key = try? PublicKey(certificateDER: certificate)
    else { return false }
    return !key.isValid(
      signature: Array(last.signature)[...],
      forMessageParts: [
        Array(metadata.value)[...], Array(last.signatureHeader)[...], header.derBytes()[...],
      ])
  }
}
