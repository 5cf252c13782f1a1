// Says what kept an orderer from doing more.

/// Judges a run.
enum Limits {
  /// From this part of all cores on the machine counts as full.
  static let busy = 0.85
  /// The client is to take no more than this part of the server's CPU.
  static let clientShare = 0.2
  /// From this part of the time on that a disk spends synchronizing it counts as busy.
  static let diskShare = 0.5

  /// What stood in the way of more, the nearest first.
  static func of(_ run: RunReport, cores: Int) -> [String] {
    var limits: [String] = []
    let used = (run.server?.cores ?? 0) + run.client.cores
    let disk = (run.blocksPerSecond ?? 0) * (run.synchronizeMilliseconds ?? 0) / 1000
    if let rate = run.plan.rate, let reached = run.acknowledgedPerSecond, reached > 0.97 * rate {
      limits.append("the rate that was asked for: \(text(rate)) per second were kept up")
    } else if used > busy * Double(cores) {
      limits.append(cpu(run, used, cores))
    } else if disk > diskShare {
      limits.append(
        "the disk: \(text(run.blocksPerSecond ?? 0)) blocks per second, and synchronizing one takes"
          + " \(text(run.synchronizeMilliseconds ?? 0)) ms")
    } else if used + run.otherCores > busy * Double(cores) {
      limits.append(
        run.server == nil
          ? "CPU: \(text(used + run.otherCores)) of \(cores) cores were busy, \(text(run.client.cores))"
            + " of them the client's"
          : "other programs: they kept \(text(run.otherCores)) of \(cores) cores busy")
    } else if run.server == nil {
      limits.append("unknown: name the orderer's process with --pid to see its CPU")
    } else if run.plan.kind == .broadcast {
      limits.append(
        "waiting: neither cores nor disk were busy; more streams, a larger window or larger blocks"
          + " may bring more")
    } else {
      limits.append("waiting: the cores were not busy; more readers may bring more")
    }
    if let server = run.server, run.client.cpuSeconds > clientShare * server.cpuSeconds {
      limits.append(
        "the client took \(percent(run.client.cpuSeconds, of: server.cpuSeconds)) of the server's"
          + " CPU, and both shared \(cores) cores: without it the server does better than this")
    }
    return limits
  }

  private static func cpu(_ run: RunReport, _ used: Double, _ cores: Int) -> String {
    let server =
      run.server.map { "\(text($0.cores)) of them the orderer's" } ?? "the client's alone"
    return "CPU: \(text(used)) of \(cores) cores were busy, \(server)"
  }

  private static func percent(_ part: Double, of whole: Double) -> String {
    whole > 0 ? "\(Int((part / whole * 100).rounded())) %" : "more than all"
  }

  private static func text(_ value: Double) -> String { FigureText.number(value) }
}
