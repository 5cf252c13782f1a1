// A folder of private keys.

import FabricCrypto
import Foundation
import Storage

/// Finds private keys in files. Fabric: `bccsp/sw/fileks.go`.
struct KeyStore {
  /// Files larger than this many bytes are not keys.
  static let maximumFileSize = 64 * 1024

  let path: String

  /// Why there is no key.
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// The private key that belongs to a public key: from the file named after the key's identifier,
  /// `<identifier in hexadecimal>_sk`, or else from whichever file holds it.
  func privateKey(for publicKey: PublicKey) throws -> PrivateKey {
    let identifier = hexadecimal(publicKey.subjectKeyIdentifier)
    let (exists, isDirectory) = MSPFolder.kind(ofItemAt: path)
    guard exists, isDirectory else {
      throw Failure(
        description: "the key store '\(path)' of the msp does not exist; it must hold the private "
          + "key of the signing certificate")
    }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw Failure(
        description: "the key store '\(path)' of the msp cannot be read: \(MSPFolder.words(error))")
    }
    let named = identifier + "_sk"
    if names.contains(named), let key = try? key(inFile: named), key.publicKey == publicKey {
      return key
    }
    var reasons: [String] = []
    for name in names.sorted().prefix(MSPFolder.maximumFiles) {
      if MSPFolder.kind(ofItemAt: path + "/" + name).isDirectory { continue }
      do {
        let key = try key(inFile: name)
        if key.publicKey == publicKey { return key }
        reasons.append("'\(name)' holds another key")
      } catch {
        reasons.append("'\(name)': \(error)")
      }
    }
    let details =
      reasons.isEmpty
      ? "it has no files" : reasons.prefix(5).joined(separator: "; ")
    throw Failure(
      description: "no private key of the signing certificate found in the key store '\(path)' of "
        + "the msp (wanted \(named)): \(details)")
  }

  private func key(inFile name: String) throws -> PrivateKey {
    let bytes: [UInt8]
    do {
      bytes = try BoundedFile.read(path + "/" + name, limit: Self.maximumFileSize)
    } catch .tooLarge(_, _, let limit) {
      throw Failure(description: "larger than \(limit) bytes")
    } catch {
      throw Failure(description: error.reason)
    }
    return try PrivateKey(pem: bytes)
  }
}
