// What a policy is asked about: who signed which bytes.

/// One signature together with what it covers and who claims to have made it.
///
/// Nothing in it has been checked yet. All parts are slices of the message they came from, so that
/// collecting them copies nothing. Fabric: `protoutil.SignedData`.
package struct SignedData: Sendable {
  /// The parts whose concatenation was signed.
  package var data: [ArraySlice<UInt8>]
  /// The signer as a serialized `msp.SerializedIdentity`.
  package var identity: ArraySlice<UInt8>
  /// The signature: ASN.1 DER for ECDSA, 64 bytes for Ed25519.
  package var signature: ArraySlice<UInt8>

  /// Describes a signature over the concatenation of `data`.
  package init(
    data: [ArraySlice<UInt8>], identity: ArraySlice<UInt8>, signature: ArraySlice<UInt8>
  ) {
    self.data = data
    self.identity = identity
    self.signature = signature
  }
}
