// What the log says of this node's own certificates before they expire.

import GoText

/// A certificate of this node, as the log names it.
struct OwnCertificate: Sendable, Equatable {
  /// As in `server TLS`.
  let role: String
  /// The last second at which it is valid, since 1970.
  let notAfter: Int64
}

/// Tells when each certificate expires, and warns from a week before, once a day (Fabric: `crypto.TrackExpiration`, which
/// warns once). A value without a clock.
struct ExpiryNotices: Sendable {
  struct Notice: Equatable {
    let isWarning: Bool
    let text: String
  }

  private static let day: Int64 = 24 * 3_600
  private static let week = 7 * day

  private struct Told {
    let notAfter: Int64
    /// When it was warned of last.
    var warned: Int64?
  }

  private var told: [String: Told] = [:]

  /// What is to be told now.
  ///
  /// - Parameter now: Seconds since 1970.
  mutating func next(_ certificates: [OwnCertificate], now: Int64) -> [Notice] {
    certificates.flatMap { certificate in
      var notices: [Notice] = []
      var told = self.told[certificate.role].flatMap {
        $0.notAfter == certificate.notAfter ? $0 : nil
      }
      if told == nil, now <= certificate.notAfter {
        let date = UnixTime(seconds: certificate.notAfter).utc(Self.layout)
        notices.append(
          Notice(
            isWarning: false, text: "The \(certificate.role) certificate will expire on \(date)"))
      }
      if now > certificate.notAfter - Self.week, now - (told?.warned ?? .min / 2) >= Self.day {
        told = Told(notAfter: certificate.notAfter, warned: now)
        notices.append(Notice(isWarning: true, text: Self.warning(certificate, now)))
      }
      self.told[certificate.role] = told ?? Told(notAfter: certificate.notAfter)
      return notices
    }
  }

  private static func warning(_ certificate: OwnCertificate, _ now: Int64) -> String {
    let left = certificate.notAfter - now
    guard left >= 0 else { return "The \(certificate.role) certificate has expired" }
    return """
      The \(certificate.role) certificate expires within \(left / day) days and \(left % day / 3_600) hours
      """
  }

  /// As Go prints a time.
  private static let layout = GoTimeLayout("2006-01-02 15:04:05 +0000 UTC")
}
