// What the header of a Deliver request must show: that it is new, and that its sender sent it.

import FabricProtos
import Foundation

/// The checks of Fabric's `validateChannelHeader`: age, and binding to the TLS session.
struct RequestHeaderCheck {
  let options: DeliverHandler.Options
  let now: Date

  /// - Parameter tlsCertificateHash: SHA-256 of the certificate that the client presented; nil if none.
  /// - Throws: ``AccessDenied``, or `EnvelopeError` if the signature header is malformed.
  func check(_ envelope: EnvelopeView, tlsCertificateHash: [UInt8]?) throws {
    _ = try envelope.signatureHeaderParts()
    try checkAge(envelope)
    if options.requiresBinding { try checkBinding(envelope, tlsCertificateHash) }
  }

  private func checkAge(_ envelope: EnvelopeView) throws(AccessDenied) {
    guard let timestamp = envelope.timestamp else {
      throw AccessDenied(description: "channel header in envelope must contain timestamp")
    }
    let time = Double(timestamp.seconds) + Double(timestamp.nanos) / 1e9
    let window = options.timeWindow / .seconds(1)
    guard abs(now.timeIntervalSince1970 - time) <= window else {
      throw AccessDenied(
        description: """
          envelope timestamp \(Date(timeIntervalSince1970: time)) is more than \(window) s apart \
          from current server time \(now)
          """)
    }
  }

  private func checkBinding(
    _ envelope: EnvelopeView, _ tlsCertificateHash: [UInt8]?
  ) throws(AccessDenied) {
    guard !envelope.tlsCertificateHash.isEmpty else {
      throw AccessDenied(description: "client didn't include its TLS cert hash")
    }
    guard let tlsCertificateHash else {
      throw AccessDenied(description: "client didn't send a TLS certificate")
    }
    guard envelope.tlsCertificateHash.elementsEqual(tlsCertificateHash) else {
      throw AccessDenied(
        description: "claimed TLS cert hash differs from the hash of the client's TLS certificate")
    }
  }
}
