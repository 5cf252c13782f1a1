// One measurement from the first connection to the report.

import Concurrency
import FabricCrypto
import Foundation

/// Puts a load on an orderer and says what came of it.
struct Measurement: Sendable {
  /// How long answers and blocks may take after the last envelope.
  static let drainLimit = Duration.seconds(60)

  let plan: LoadPlan
  let target: BenchmarkTarget
  let dialer: any LoadDialer
  let time: any TimeSource
  /// The time of day, for headers.
  let now: Date
  let cores: Int
  let progress: BenchmarkProgress

  func run() async throws -> RunReport {
    let connections = try await connect(plan.connections)
    defer { for connection in connections { connection.close() } }
    var report =
      switch plan.kind {
      case .broadcast: try await broadcast(connections)
      case .catchUp: try await catchUp(connections)
      }
    if let folder = target.folder, let blocks = report.blocksPerSecond, blocks > 0 {
      let perBlock = (report.deliveredPerSecond ?? 0) / blocks * Double(plan.size)
      report.synchronizeMilliseconds = try DiskProbe.synchronizeMilliseconds(
        in: folder, bytes: min(max(Int(perBlock), 1_024), 16 << 20))
    }
    report.limits = Limits.of(report, cores: cores)
    return report
  }

  // MARK: Sending

  private func broadcast(_ connections: [any LoadConnection]) async throws -> RunReport {
    let tag = randomBytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    var measured = LoadPlan.assumedRate
    if plan.warmUp > 0 {
      let signed = try await sign(plan.warmUp, run: tag &+ 1)
      let run = LoadRun(
        count: plan.warmUp, deadline: Self.drainLimit.runTime, clock: RunClock(time))
      progress.set(.sending(run, count: plan.warmUp, isWarmUp: true, seconds: nil))
      let account = try await perform(signed, connections, run, rate: nil).account
      guard account.acknowledged > 0 else {
        throw BenchmarkError(
          "no envelope was acknowledged: \(account.reasons.joined(separator: "; "))")
      }
      measured = Double(account.acknowledged) / max(1e-3, Double(account.lastAcknowledgement) / 1e9)
    }
    let count = plan.count(measured: measured)
    let signed = try await sign(count, run: tag)
    let run = LoadRun(
      count: count, deadline: RunTime(plan.sendingSeconds * 1e9), clock: RunClock(time))
    progress.set(
      .sending(
        run, count: count, isWarmUp: false, seconds: plan.messages == nil ? plan.seconds : nil))
    return report(try await perform(signed, connections, run, rate: plan.rate))
  }

  private func sign(_ count: Int, run: UInt64) async throws -> SignedStock {
    let makers = try target.channels.map { channel in
      try EnvelopeMaker(
        channel: channel, client: target.client, size: plan.size, run: run,
        seconds: Int64(now.timeIntervalSince1970))
    }
    let stock = try await EnvelopeStock.sign(
      count: count, streams: plan.streams, makers: makers
    ) { [progress] in progress.set(.signing(done: $0, of: count)) }
    return SignedStock(stock: stock, tags: makers.map(\.tag))
  }

  private struct SignedStock {
    let stock: EnvelopeStock
    let tags: [EnvelopeTag]
  }

  /// Sends what is signed while the readers read, and waits until they have it.
  private func perform(
    _ signed: SignedStock, _ connections: [any LoadConnection], _ run: LoadRun, rate: Double?
  ) async throws -> Outcome {
    let totals = ReaderTotals()
    let channels =
      plan.readers > 0 ? try await readers(connections, totals) { .from($0) } : []
    let before = try Usage(target.pid, at: run.clock.now)
    let atEnd = try await withThrowingTaskGroup(of: Void.self) { group in
      for (readers, tag) in zip(channels, signed.tags) {
        for (index, reader) in readers.enumerated() {
          group.addTask { await reader.follow(run, tag: index == 0 ? tag : nil) }
        }
      }
      defer { group.cancelAll() }
      try await send(signed, connections, run, rate: rate)
      let usage = try Usage(target.pid, at: run.clock.now)
      if plan.readers > 0 { _ = await run.drained(within: Self.drainLimit) }
      return usage
    }
    try Task.checkCancellation()
    return Outcome(
      account: run.current, read: totals.current, before: before, atEnd: atEnd,
      after: try Usage(target.pid, at: run.clock.now))
  }

  /// Sends everything, or as much as the time allows, and waits for the answers.
  private func send(
    _ signed: SignedStock, _ connections: [any LoadConnection], _ run: LoadRun, rate: Double?
  ) async throws {
    // A server that does not answer must not hold up the benchmark for ever.
    let limit = run.clock.instant(of: run.deadline) + Self.drainLimit - time.now
    _ = await withTimeLimit(limit, on: time) {
      await withTaskGroup(of: Void.self) { group in
        for (stream, share) in signed.stock.shares.enumerated() where !share.numbers.isEmpty {
          let load = BroadcastLoad(
            connection: connections[stream % connections.count],
            envelopes: signed.stock.envelopes, numbers: share.numbers, window: plan.window,
            schedule: rate.map {
              LoadSchedule(rate: $0, stream: stream, of: plan.streams, numbers: share.numbers)
            }, run: run)
          group.addTask { await load.send(plan.use) }
        }
      }
    }
    try Task.checkCancellation()
  }

  // MARK: Reading

  private func catchUp(_ connections: [any LoadConnection]) async throws -> RunReport {
    let totals = ReaderTotals()
    let readers = try await readers(connections, totals) { .upTo($0 - 1) }.joined()
    let clock = RunClock(time)
    let before = try Usage(target.pid, at: clock.now)
    progress.set(.reading(totals))
    try await withThrowingTaskGroup(of: Void.self) { group in
      for reader in readers { group.addTask { try await reader.catchUp() } }
      try await group.waitForAll()
    }
    let after = try Usage(target.pid, at: clock.now)
    return report(
      Outcome(
        account: Account(count: 0), read: totals.current, before: before, atEnd: after,
        after: after))
  }

  /// The readers of each channel, which take connections in turn.
  ///
  /// - Parameter range: What to read of a channel with so many blocks.
  private func readers(
    _ connections: [any LoadConnection], _ totals: ReaderTotals, _ range: (UInt64) -> SeekRange
  ) async throws -> [[DeliverLoad]] {
    let probe = OrdererProbe(target: target, dialer: dialer, now: now)
    var channels: [[DeliverLoad]] = []
    for channel in target.channels {
      let height = try await probe.height(of: channel, on: connections[0])
      let first = channels.count * plan.readers
      channels.append(
        try (first..<(first + plan.readers)).map { reader in
          DeliverLoad(
            connection: connections[reader % connections.count],
            request: try probe.seek(channel, range(height)), totals: totals)
        })
    }
    return channels
  }

  // MARK: Reporting

  /// What both sides have taken up to a moment.
  private struct Usage {
    let server: ProcessUsage?
    let clientSeconds: Double
    let machine: MachineUsage
    let time: RunTime

    init(_ pid: Int32?, at time: RunTime) throws {
      server = try pid.map { try ProcessUsage(pid: $0) }
      clientSeconds = ProcessUsage.ownCPUSeconds()
      machine = try MachineUsage()
      self.time = time
    }
  }

  private struct Outcome {
    let account: Account
    let read: ReaderTotals.Totals
    let before: Usage
    /// When everything was answered.
    let atEnd: Usage
    /// When everything was delivered.
    let after: Usage
  }

  private func report(_ outcome: Outcome) -> RunReport {
    let (account, read) = (outcome.account, outcome.read)
    let sending = max(1e-9, Double(outcome.atEnd.time - outcome.before.time) / 1e9)
    func figures(_ before: Double, _ atEnd: Double, _ after: Double) -> ProcessFigures {
      var figures = ProcessFigures(cpuSeconds: after - before, cores: (atEnd - before) / sending)
      if account.acknowledged > 0 {
        figures.microsecondsPerTransaction =
          figures.cpuSeconds / Double(account.acknowledged) * 1e6
      } else if read.bytes > 0 {
        figures.secondsPerGigabyte = figures.cpuSeconds / Double(read.bytes) * 1e9
      }
      return figures
    }
    let seconds = max(1e-9, Double(outcome.after.time - outcome.before.time) / 1e9)
    var report = RunReport(
      plan: plan, orderer: target.name, channels: target.channels.count, seconds: seconds,
      client: figures(
        outcome.before.clientSeconds, outcome.atEnd.clientSeconds, outcome.after.clientSeconds))
    if let before = outcome.before.server, let atEnd = outcome.atEnd.server,
      let after = outcome.after.server
    {
      var server = figures(before.cpuSeconds, atEnd.cpuSeconds, after.cpuSeconds)
      server.residentMegabytes = after.residentMegabytes
      server.peakMegabytes = after.peakMegabytes
      report.server = server
    }
    let busy = outcome.atEnd.machine.busySeconds - outcome.before.machine.busySeconds
    report.otherCores = max(0, busy / sending - report.client.cores - (report.server?.cores ?? 0))
    report.take(account, hasReaders: plan.readers > 0 && plan.kind == .broadcast)
    if read.bytes > 0 { report.readMegabytesPerSecond = Double(read.bytes) / 1e6 / seconds }
    return report
  }

  private func connect(_ count: Int) async throws -> [any LoadConnection] {
    var connections: [any LoadConnection] = []
    do {
      for index in 0..<count {
        connections.append(
          try await dialer.connect(to: target.addresses[index % target.addresses.count]))
      }
    } catch {
      for connection in connections { connection.close() }
      throw BenchmarkError(
        "\(target.addresses[connections.count % target.addresses.count]): \(error)")
    }
    return connections
  }
}

extension RunReport {
  /// Takes over the figures of an account.
  mutating func take(_ account: Account, hasReaders: Bool) {
    sent = account.sent
    acknowledged = account.acknowledged
    delivered = account.delivered
    refused = Dictionary(uniqueKeysWithValues: account.refused.map { ("\($0)", $1) })
    unanswered = account.unanswered
    missing = hasReaders ? account.backlog : 0
    duplicates = account.duplicates
    foreign = account.foreign
    failures = account.failures
    reasons = account.reasons
    maximumBacklog = account.maximumBacklog
    acknowledgeLatency = account.acknowledgeLatency.summary
    deliverLatency = account.deliverLatency.summary
    func perSecond(_ count: Int, _ last: RunTime) -> Double? {
      last > 0 ? Double(count) / (Double(last) / 1e9) : nil
    }
    acknowledgedPerSecond = perSecond(account.acknowledged, account.lastAcknowledgement)
    // The last block may wait to be filled long after the last envelope: either way of counting gives too little.
    func deliveredPerSecond(_ count: Int, meanwhile: Int) -> Double? {
      guard let all = perSecond(count, account.lastDelivery) else { return nil }
      return max(all, perSecond(meanwhile, account.lastAcknowledgement) ?? 0)
    }
    self.deliveredPerSecond = deliveredPerSecond(
      account.delivered, meanwhile: account.deliveredMeanwhile)
    blocksPerSecond = deliveredPerSecond(account.blocks, meanwhile: account.blocksMeanwhile)
  }
}
