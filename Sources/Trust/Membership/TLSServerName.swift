// The name that a server must have a certificate for, by the rules of Go's `x509.VerifyHostname`.

import Foundation
import SwiftASN1
import X509

/// The host that was dialled.
struct TLSServerName {
  private enum Host {
    /// 4 or 16 bytes.
    case address([UInt8])
    /// In lower case, without the dot at its end.
    case name(String)
  }

  private let text: String
  private let host: Host

  init(_ text: String) {
    self.text = text
    if let address = Self.address(text) {
      host = .address(address)
    } else {
      host = .name(Self.normalized(text))
    }
  }

  /// - Throws: ``CertificateProblem`` in Go's words.
  func check(_ certificate: ParsedCertificate) throws(CertificateProblem) {
    let names = certificate.extensions.subjectAlternativeNames
    switch host {
    case .address(let wanted):
      let addresses = names.compactMap { name -> [UInt8]? in
        if case .ipAddress(let bytes) = name { Array(bytes.bytes) } else { nil }
      }
      if addresses.contains(where: { Self.isSame($0, wanted) }) { return }
      throw CertificateProblem(
        addresses.isEmpty
          ? "cannot validate certificate for \(text) because it doesn't contain any IP SANs"
          : "certificate is valid for \(Self.list(addresses.map(Self.text))), not \(text)")
    case .name(let wanted):
      let patterns = names.compactMap { if case .dnsName(let name) = $0 { name } else { nil } }
      if patterns.contains(where: { Self.matches(wanted, $0) }) { return }
      throw CertificateProblem(
        patterns.isEmpty
          ? "certificate is not valid for any names, but wanted to match \(text)"
          : "certificate is valid for \(Self.list(patterns)), not \(text)")
    }
  }

  /// A wildcard stands for the whole first label.
  private static func matches(_ host: String, _ pattern: String) -> Bool {
    let pattern = normalized(pattern)
    guard !host.isEmpty, !pattern.isEmpty else { return false }
    let hostLabels = host.split(separator: ".", omittingEmptySubsequences: false)
    let labels = pattern.split(separator: ".", omittingEmptySubsequences: false)
    guard labels.count == hostLabels.count, !hostLabels.contains("") else { return false }
    return zip(labels, hostLabels).enumerated().allSatisfy { index, pair in
      pair.0 == pair.1 || index == 0 && pair.0 == "*" && labels.count > 1
    }
  }

  private static func normalized(_ name: String) -> String {
    let lower = String(
      decoding: name.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
    return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
  }

  /// No more names than a log line has room for.
  private static func list(_ names: [String]) -> String {
    names.prefix(10).joined(separator: ", ") + (names.count > 10 ? ", …" : "")
  }

  // MARK: Addresses

  /// IPv4 addresses have two forms of the same meaning.
  private static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    func short(_ address: [UInt8]) -> ArraySlice<UInt8> {
      let prefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
      return address.count == 16 && address.starts(with: prefix) ? address.suffix(4) : address[...]
    }
    return short(left) == short(right)
  }

  private static func address(_ text: String) -> [UInt8]? {
    var v4 = in_addr()
    if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: v4) { Array($0) } }
    var v6 = in6_addr()
    if inet_pton(AF_INET6, text, &v6) == 1 { return withUnsafeBytes(of: v6) { Array($0) } }
    return nil
  }

  private static func text(_ address: [UInt8]) -> String {
    guard address.count == 4 || address.count == 16 else { return "?" }
    var characters = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = address.count == 4 ? AF_INET : AF_INET6
    guard inet_ntop(family, address, &characters, socklen_t(characters.count)) != nil else {
      return "?"
    }
    return String(
      decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
