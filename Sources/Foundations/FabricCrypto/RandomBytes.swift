// Nonces and other bytes that nobody can guess.

import Glibc

/// The most that getentropy(3) gives at once, in bytes.
private let maximumRequest = 256

/// Bytes of the operating system's random source, up to 256 of them in one system call.
///
/// Waits only while the system has just started and has no randomness yet. Ends the process if the system
/// has no random source at all, as `SystemRandomNumberGenerator` does: without one there are no nonces.
package func randomBytes(_ count: Int) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
    while filled < count {
      let size = min(count - filled, maximumRequest)
      let code = getentropy(buffer.baseAddress.map { $0 + filled }, size)
      precondition(code == 0, "the system has no random source: errno \(errno)")
      filled += size
    }
  }
}

/// The nonces of signature headers.
package enum Nonce {
  /// What all of Fabric's nodes and tools use, in bytes (Fabric: `crypto.NonceSize`).
  package static let byteCount = 24

  /// A nonce that nobody has used before.
  @Sendable
  package static func random() -> [UInt8] { randomBytes(byteCount) }
}
