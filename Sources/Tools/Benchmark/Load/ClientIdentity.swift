// Who sends the envelopes and asks for the blocks.

import FabricCrypto
import Foundation
import Membership
import Storage

/// A member of an organization with its key.
package struct ClientIdentity: Signer {
  /// The largest certificate or key file, in bytes.
  static let maximumFileSize = 1 << 20

  package let mspID: String
  /// The SerializedIdentity.
  package let creator: [UInt8]
  private let key: PrivateKey

  package var serializedIdentity: [UInt8] { creator }

  package init(mspID: String, certificatePEM: [UInt8], key: PrivateKey) {
    self.mspID = mspID
    creator = SerializedIdentity.serialize(mspID: mspID, certificatePEM: certificatePEM)
    self.key = key
  }

  /// The identity of an MSP folder, as cryptogen and Fabric's CA client make them: the certificate in `signcerts`, the
  /// key in `keystore`.
  package init(mspID: String, folder: String) throws {
    self.init(
      mspID: mspID,
      certificatePEM: try BoundedFile.read(
        try Self.onlyFile(in: "\(folder)/signcerts"), limit: Self.maximumFileSize),
      key: try PrivateKey(
        pem: BoundedFile.read(
          try Self.onlyFile(in: "\(folder)/keystore"), limit: Self.maximumFileSize)))
  }

  /// The identity of two files.
  package init(mspID: String, certificate: String, key: String) throws {
    self.init(
      mspID: mspID,
      certificatePEM: try BoundedFile.read(certificate, limit: Self.maximumFileSize),
      key: try PrivateKey(pem: BoundedFile.read(key, limit: Self.maximumFileSize)))
  }

  package func sign(_ parts: [ArraySlice<UInt8>]) throws -> [UInt8] { try key.sign(parts) }

  private static func onlyFile(in folder: String) throws -> String {
    let names = try Folder.names(folder, kind: .file).filter { !$0.hasPrefix(".") }
    guard names.count == 1, let name = names.first else {
      throw BenchmarkError("\(folder) must have one file, and has \(names.count)")
    }
    return "\(folder)/\(name)"
  }
}
