// Keying material that both ends of a TLS 1.3 connection can compute, and nobody else (RFC 8446, 7.5; RFC 5705).

import Crypto

/// The exporter of one connection. It holds a secret of that connection, which no text of it shows.
package struct TLSExporter: Sendable, CustomStringConvertible, CustomReflectable {
  /// The longest label, in bytes of UTF-8.
  package static let maximumLabelBytes = 249
  /// The most bytes that can be asked for, whatever the suite's hash.
  package static let maximumBytes = 255 * SHA256.byteCount

  /// The exporter_master_secret.
  private let secret: [UInt8]
  private let hash: Hash

  private enum Hash { case sha256, sha384 }

  /// Nil unless the secret is as long as a hash of a TLS 1.3 suite: that tells which hash it is.
  init?(secret: [UInt8]) {
    switch secret.count {
    case SHA256.byteCount: hash = .sha256
    case SHA384.byteCount: hash = .sha384
    default: return nil
    }
    self.secret = secret
  }

  package var description: String { "TLSExporter" }
  package var customMirror: Mirror { Mirror(self, children: []) }

  /// Material for one purpose.
  ///
  /// - Parameters:
  ///   - label: What it is for; ASCII as a rule.
  ///   - context: What it is bound to. In TLS 1.3 no context is an empty one.
  ///   - count: In bytes.
  /// - Returns: Nil for a longer label, or more bytes, than the bounds allow.
  package func keyingMaterial(label: String, context: [UInt8], count: Int) -> [UInt8]? {
    guard label.utf8.count <= Self.maximumLabelBytes, (1...Self.maximumBytes).contains(count) else {
      return nil
    }
    return switch hash {
    case .sha256: derive(SHA256.self, label, context, count)
    case .sha384: derive(SHA384.self, label, context, count)
    }
  }

  private func derive<H: HashFunction>(
    _ hash: H.Type, _ label: String, _ context: [UInt8], _ count: Int
  ) -> [UInt8] {
    let derived = expand(
      hash, secret, label, Array(H.hash(data: [UInt8]())), H.Digest.byteCount)
    return expand(hash, derived, "exporter", Array(H.hash(data: context)), count)
  }

  /// HKDF-Expand-Label (RFC 8446, 7.1).
  private func expand<H: HashFunction>(
    _ hash: H.Type, _ secret: [UInt8], _ label: String, _ context: [UInt8], _ count: Int
  ) -> [UInt8] {
    let name = Array("tls13 ".utf8) + Array(label.utf8)
    var info = [UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)]
    info.append(UInt8(name.count))
    info += name
    info.append(UInt8(context.count))
    info += context
    let key = HKDF<H>.expand(
      pseudoRandomKey: SymmetricKey(data: secret), info: info, outputByteCount: count)
    return key.withUnsafeBytes { Array($0) }
  }
}
