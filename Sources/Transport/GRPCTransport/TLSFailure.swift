// Why a TLS handshake failed, as operators read it.

import Logging
import NIOSSL
import Sockets
import Synchronization

/// Why this side refused the other's certificate, from the handshake to who reports it.
final class TLSRefusal: Sendable {
  private let noted = Mutex<String?>(nil)

  var reason: String? { noted.withLock { $0 } }

  func note(_ reason: String?) { noted.withLock { $0 = reason } }
}

/// How a TLS error is reported; nil for other errors.
struct TLSFailure {
  let level: Logger.Level
  let text: String

  init?(_ error: any Error, refusal: String? = nil) {
    switch error {
    case NIOSSLError.handshakeFailed where refusal != nil:
      self.init(refusal: refusal ?? "")
    case NIOSSLError.handshakeFailed(let reason):
      self.init(handshake: TLSReason.text("\(reason)"))
    case is BoringSSLError, is NIOSSLExtraError:
      self.init(handshake: TLSReason.text("\(error)"))
    case is NIOSSLError, is NIOSSLCloseTimedOutError:
      // Clients that vanish without close_notify are everyday life.
      self.init(level: .debug, text: "\(error)")
    default:
      return nil
    }
  }

  /// This side refused the other's certificate.
  init(refusal: String) {
    self.init(handshake: "CERTIFICATE_VERIFY_FAILED: \(refusal)")
  }

  private init(level: Logger.Level, text: String) {
    self.level = level
    self.text = text
  }

  /// Names of BoringSSL's reasons that are about a certificate, found by either side.
  private static let certificateReasons = [
    "CERTIFICATE_VERIFY_FAILED", "PEER_DID_NOT_RETURN_A_CERTIFICATE", "BAD_CERTIFICATE",
    "UNKNOWN_CA", "CERTIFICATE_UNKNOWN", "CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED",
    "UNSUPPORTED_CERTIFICATE", "CERTIFICATE_REQUIRED",
  ]

  private init(handshake reason: String) {
    if Self.certificateReasons.contains(where: reason.contains) {
      // The words that operators' scripts wait for are those of Go's TLS.
      self.init(level: .error, text: "tls: bad certificate (\(reason))")
    } else if reason.contains("EOF during handshake") {
      self.init(level: .debug, text: reason)
    } else {
      self.init(level: .warning, text: reason)
    }
  }
}
