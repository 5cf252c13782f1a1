// The report on an update as text for a terminal.

/// Lines for people. Scripts should ask for JSON.
package enum UpdateText {
  package static func report(_ report: UpdateReport) -> String {
    var lines = [
      verdict(report), "",
      "Channel \(report.channel), configuration \(report.sequence) in block \(report.block)",
    ]
    lines += section("What changes", report.changes.map(change))
    lines += section("Who has signed", report.signers.map(signer))
    lines += section("Who has to agree", report.policies.flatMap { policy($0, depth: 0) })
    lines += ["", "Whoever hands it in has to satisfy \(report.submissionPolicy)."]
    lines += section("What an orderer asks", report.checks.map(check))
    lines += section("Consenters", report.consenters.map(consenter))
    lines += section("Certificates", certificates(report.certificates))
    lines += section("What happens then", report.effects.map { "* \($0.text)." })
    return lines.joined(separator: "\n")
  }

  private static func verdict(_ report: UpdateReport) -> String {
    if report.isAccepted { return "An orderer would accept this update." }
    let missing = Set(report.policies.flatMap(\.missing).map { "\($0.policy) (\($0.rule))" })
    if report.isSound, !missing.isEmpty {
      return "Nothing but signatures is missing: \(missing.sorted().joined(separator: "; "))."
    }
    let reason = report.checks.first { !$0.isPassed && $0.name != .signatures }?.reason
    return "An orderer would refuse this update: \(reason ?? "its signatures do not suffice")."
  }

  private static func section(_ title: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? [] : ["", title + ":"] + lines.map { "  " + $0 }
  }

  private static func change(_ change: UpdateReport.Change) -> String {
    let guarding = change.policy.map { ", guarded by \($0)" } ?? ""
    return "\(change.path) (\(change.element), \(change.change)\(guarding))"
  }

  private static func signer(_ signer: UpdateReport.Signer) -> String {
    let name = [signer.msp, signer.identity].filter { !$0.isEmpty }.joined(separator: ", ")
    return name + (signer.problem.map { ": does not count, \($0)" } ?? "")
  }

  private static func policy(_ standing: PolicyStanding, depth: Int) -> [String] {
    let mark = standing.isSatisfied ? "yes" : "NO "
    let line =
      String(repeating: "  ", count: depth) + "\(mark) \(standing.policy): \(standing.rule)"
    return [line] + standing.below.flatMap { policy($0, depth: depth + 1) }
  }

  private static func check(_ check: UpdateReport.Check) -> String {
    guard !check.isPassed else { return "yes \(check.name.rawValue)" }
    return "NO  \(check.name.rawValue): \(check.status ?? ""), \(check.reason ?? "")"
  }

  private static func consenter(_ consenter: UpdateReport.Consenter) -> String {
    "\(consenter.id)  \(consenter.address)  \(consenter.change)"
      + (consenter.isActive ? "" : ", is down")
  }

  /// Only those that ask for attention; none of them is a line, too.
  private static func certificates(_ certificates: [UpdateReport.Certificate]) -> [String] {
    guard !certificates.isEmpty else { return [] }
    let urgent = certificates.filter { $0.isExpired || $0.expiresSoon }
    guard !urgent.isEmpty else {
      return ["All consenters' are valid until \(certificates.map(\.expires).min() ?? "") at least"]
    }
    return urgent.map {
      "The \($0.use) certificate of \($0.consenter) "
        + ($0.isExpired ? "has expired on" : "expires on") + " \($0.expires)"
    }
  }
}
