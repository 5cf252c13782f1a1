// When a certificate that no MSP of the channel accepts expires.

import FabricCrypto
import Foundation
import Membership
import X509

/// When the certificate within a serialized identity ceases to be valid (Fabric: `crypto.ExpiresAt`).
///
/// - Returns: nil if that cannot be told, because there is no certificate or it is malformed.
func certificateExpiry(serializedIdentity: ArraySlice<UInt8>) -> Date? {
  guard let identity = try? SerializedIdentity(serializedIdentity),
    let (block, _) = PEM.decodeFirst(identity.certificatePEM[...])
  else { return nil }
  return try? Certificate(derEncoded: block.der).notValidAfter
}
