// The form in which identities travel: an MSP's name and a certificate in PEM.

import FabricProtos
import Foundation

/// A SerializedIdentity taken apart.
package struct SerializedIdentity: Sendable, Hashable {
  /// The MSP that the identity claims.
  package var mspID: String
  /// The certificate in PEM, as it came.
  package var certificatePEM: [UInt8]

  /// Reads the protobuf form, at most ``MSP/maximumSerializedIdentitySize`` bytes.
  package init(_ bytes: ArraySlice<UInt8>) throws(MembershipError) {
    guard bytes.count <= MSP.maximumSerializedIdentitySize else {
      throw .malformedIdentity(
        "it has \(bytes.count) bytes; the limit is \(MSP.maximumSerializedIdentitySize)")
    }
    guard let message = try? Msp_SerializedIdentity(serializedBytes: Array(bytes)) else {
      throw .malformedIdentity("it is not a SerializedIdentity in protobuf form")
    }
    mspID = message.mspid
    certificatePEM = Array(message.idBytes)
  }

  /// The protobuf form.
  package static func serialize(mspID: String, certificatePEM: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(mspID.utf8.count + certificatePEM.count + 12)
    func append(field: UInt8, _ value: some Collection<UInt8>) {
      guard !value.isEmpty else { return }
      bytes.append(field << 3 | 2)
      Varint.append(UInt64(value.count), to: &bytes)
      bytes.append(contentsOf: value)
    }
    append(field: 1, mspID.utf8)
    append(field: 2, certificatePEM)
    return bytes
  }
}
