// Which brokers' certificates are trusted, by the rules of Go nodes, and why one is not.

import CRdKafka
import FabricCrypto
import Foundation
import Logging
import SwiftASN1
import Synchronization
import X509

/// The certificates of `Kafka.TLS`, and the judgement on those that brokers show.
///
/// OpenSSL, within librdkafka, verifies chain, validity, purpose and host name. Where Go decides otherwise,
/// this follows Go, so that nodes of both kinds agree: any certificate in `RootCAs` is trusted as it is,
/// even if it is not self-signed; and a name counts only as a subject alternative name, never as a common
/// name. One difference remains: a broker's own certificate in `RootCAs` is not trusted if the broker shows
/// an issuer's along with it, since OpenSSL then begins with the issuer, and ends there.
final class BrokerTrust: Sendable {
  /// PEM texts in the form that every librdkafka reads: certificates and nothing else.
  let authorities: String
  let certificate: String
  /// Describes this node's own certificate: whose it is, who issued it, and until when it is valid.
  let ownCertificate: String

  private let now: @Sendable () -> Date
  private let anchors: Set<[UInt8]>
  private let ownEnd: Date?
  /// What was wrong with a broker's certificate the last time, by the broker's address.
  private let problems = Mutex<[String: String]>([:])

  /// Addresses whose problem is remembered.
  private static let maximumProblems = 100

  /// - Parameter now: The date by which certificates are valid or not.
  /// - Throws: ``KafkaError/configuration(setting:reason:)`` if a text holds no certificate.
  init(
    _ tls: KafkaClientSettings.TLS, now: @escaping @Sendable () -> Date
  ) throws(KafkaError) {
    self.now = now
    func certificates(_ text: String, _ setting: String) throws(KafkaError) -> [[UInt8]] {
      let found = PEM.decodeAll(text).filter { $0.type == "CERTIFICATE" }.map(\.der)
      guard !found.isEmpty else {
        throw .configuration(setting: setting, reason: "it holds no PEM certificate")
      }
      return found
    }
    var roots: [[UInt8]] = []
    for text in tls.rootCertificates { roots += try certificates(text, "Kafka.TLS.RootCAs") }
    guard !roots.isEmpty else {
      throw .configuration(setting: "Kafka.TLS.RootCAs", reason: "it is empty")
    }
    let own = try certificates(tls.certificate, "Kafka.TLS.Certificate")
    anchors = Set(roots)
    // librdkafka before 2.6.1 sends the first certificate only, and those that OpenSSL finds among the
    // trusted ones. There they do no harm: OpenSSL trusts a chain only if its end is self-signed.
    let middle = own.dropFirst().filter { der in
      (try? Certificate(derEncoded: der)).map { $0.issuer != $0.subject } ?? false
    }
    authorities = Self.pem(roots + middle)
    certificate = Self.pem(own)
    let parsed = try? Certificate(derEncoded: own[0])
    ownEnd = parsed?.notValidAfter
    ownCertificate =
      parsed.map {
        "the certificate of \($0.subject), issued by \($0.issuer), valid until "
          + Self.text($0.notValidAfter)
      } ?? "a certificate that cannot be read"
  }

  /// Logs a warning if the node's own certificate has expired or soon will.
  func warn(_ logger: Logger) {
    guard let remaining = ownEnd?.timeIntervalSince(now()), remaining < 7 * 86_400 else { return }
    let verb = remaining < 0 ? "has expired" : "expires within a week"
    logger.warning(
      """
      Kafka.TLS.Certificate \(verb): it is \(ownCertificate). Brokers that ask for certificates \
      refuse it from then on; replace it and restart
      """)
  }

  /// Why the last connection to a broker was not trusted; told only once.
  func takeProblem(of broker: String) -> String? {
    problems.withLock { $0.removeValue(forKey: broker) }
  }

  // MARK: Judgement

  /// OpenSSL's numbers for what may be wrong with a certificate (`X509_V_ERR_…`).
  enum Fault {
    static let none: Int32 = 0
    static let noIssuer: Int32 = 2
    static let notYetValid: Int32 = 9
    static let expired: Int32 = 10
    static let selfSigned: Set<Int32> = [18, 19]
    static let noLocalIssuer: Int32 = 20
    static let noLeafSignature: Int32 = 21
    static let purpose: Int32 = 26
    static let weak: Set<Int32> = [66, 67, 68]
    static let hostName: Int32 = 62
    static let address: Int32 = 64
  }

  /// Judges one certificate of a chain.
  ///
  /// - Parameters:
  ///   - fault: OpenSSL's judgement; 0 if it finds nothing wrong.
  ///   - depth: 0 for the broker's own certificate.
  /// - Returns: Why the certificate is refused; nil if it is not.
  func judge(_ der: [UInt8], fault: Int32, depth: Int32, broker: String) -> String? {
    let certificate = try? Certificate(derEncoded: der)
    let host = Self.host(of: broker)
    switch fault {
    case Fault.none:
      guard depth == 0, !Self.isAddress(host), let certificate else { return nil }
      // Without such names, OpenSSL resorts to the common name.
      if Self.names(in: certificate).contains(where: {
        if case .dnsName = $0 { true } else { false }
      }) {
        return nil
      }
      return """
        the certificate names its host as common name only, not as subject alternative name: \
        have one made with the subject alternative name \(host)
        """
    case Fault.noIssuer, Fault.noLocalIssuer, Fault.noLeafSignature:
      guard anchors.contains(der) else { break }
      // OpenSSL leaves out the dates of what it cannot follow further.
      if let certificate, certificate.notValidAfter < now() {
        return Self.reason(Fault.expired, certificate, host)
      }
      return nil
    default: break
    }
    return Self.reason(fault, certificate, host)
  }

  /// Why a certificate is refused, and what to do about it.
  private static func reason(
    _ fault: Int32, _ certificate: Certificate?, _ host: String
  ) -> String {
    let subject = certificate.map { "the certificate of \($0.subject)" } ?? "the certificate"
    switch fault {
    case Fault.expired:
      let end = certificate.map { text($0.notValidAfter) } ?? "?"
      return "\(subject) has expired on \(end): renew it, or correct this machine's clock"
    case Fault.notYetValid:
      let start = certificate.map { text($0.notValidBefore) } ?? "?"
      return "\(subject) is not valid before \(start): correct the clocks"
    case Fault.noIssuer, Fault.noLocalIssuer, Fault.noLeafSignature:
      let issuer = certificate.map { "\($0.issuer)" } ?? "an unknown CA"
      return "\(subject) was issued by \(issuer), which is not in Kafka.TLS.RootCAs"
    case let fault where Fault.selfSigned.contains(fault):
      return "\(subject) is self-signed and not in Kafka.TLS.RootCAs"
    case Fault.hostName, Fault.address:
      let names = certificate.map(names(in:)) ?? []
      let list = names.prefix(10).map(text).joined(separator: ", ")
      return """
        \(subject) is not for \(host), as the broker is called in the channel's configuration or in \
        its own advertised.listeners, but for \(list.isEmpty ? "no host at all" : list)
        """
    case Fault.purpose: return "\(subject) is not meant for servers (extended key usage)"
    case let fault where Fault.weak.contains(fault):
      return "\(subject) has a key or a signature that is too weak for OpenSSL"
    default: return "OpenSSL refuses \(subject) (error \(fault))"
    }
  }

  private static func names(in certificate: Certificate) -> [GeneralName] {
    (try? certificate.extensions.subjectAlternativeNames).map { Array($0) } ?? []
  }

  private static func text(_ name: GeneralName) -> String {
    switch name {
    case .dnsName(let name): return name
    case .ipAddress(let bytes) where bytes.bytes.count == 4:
      return bytes.bytes.map(String.init).joined(separator: ".")
    default: return "\(name)"
    }
  }

  private static func text(_ date: Date) -> String { date.formatted(.iso8601) }

  /// The host of `host:port`.
  static func host(of broker: String) -> String {
    guard let colon = broker.lastIndex(of: ":") else { return broker }
    return broker[..<colon].trimmingCharacters(in: ["[", "]"])
  }

  private static func isAddress(_ host: String) -> Bool {
    host.contains(":") || host.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) }
  }

  private static func pem(_ certificates: [[UInt8]]) -> String {
    let texts = certificates.map { PEM.encode(type: "CERTIFICATE", der: $0) }
    return String(decoding: texts.joined(), as: UTF8.self)
  }

  // MARK: librdkafka

  /// Lets librdkafka ask this object, which has to outlive the instance that is made of the
  /// configuration. Its threads call back for each certificate, from the root on.
  func attach(to configuration: OpaquePointer) throws(KafkaError) {
    rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(self).toOpaque())
    let result = rd_kafka_conf_set_ssl_cert_verify_cb(configuration) {
      _, name, _, fault, depth, bytes, count, text, room, opaque in
      guard let fault, let bytes, let opaque else { return 0 }
      let trust = Unmanaged<BrokerTrust>.fromOpaque(opaque).takeUnretainedValue()
      let der = [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
      let broker = name.map { String(cString: $0) } ?? ""
      guard let reason = trust.judge(der, fault: fault.pointee, depth: depth, broker: broker) else {
        fault.pointee = Fault.none
        return 1
      }
      trust.problems.withLock { problems in
        if problems.count >= BrokerTrust.maximumProblems { problems = [:] }
        problems[broker] = reason
      }
      // 1 is OpenSSL's number for errors without one of their own.
      if fault.pointee == Fault.none { fault.pointee = 1 }
      if let text, room > 0 {
        let copied = Array(reason.utf8.prefix(room - 1)) + [0]
        copied.withUnsafeBytes {
          UnsafeMutableRawBufferPointer(start: text, count: room).copyMemory(from: $0)
        }
      }
      return 0
    }
    guard result == RD_KAFKA_CONF_OK else {
      throw .configuration(setting: "Kafka.TLS", reason: "this librdkafka was built without TLS")
    }
  }
}
