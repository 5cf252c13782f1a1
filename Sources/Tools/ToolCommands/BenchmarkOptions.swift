// The options of `orderer benchmark`: the load, the orderer that runs, the orderers to start.

import ArgumentParser
import Benchmark
import Foundation

/// What load to put on the orderer.
struct BenchmarkLoadOptions: ParsableArguments {
  @Option var messages: Int?
  @Option var seconds: Double?
  @Option var size: Int?
  @Option var streams: Int?
  @Option var connections: Int?
  @Option var window: Int?
  @Option var rate: Double?
  @Option var readers: Int?
  @Option var warmUp: Int?
  @Flag var onePerStream = false
  @Flag var catchUp = false

  /// What to measure: one thing if the load is described, otherwise what tells most about a machine.
  var plans: [LoadPlan] {
    let describesKind = onePerStream || catchUp || rate != nil
    if describesKind || streams != nil || window != nil || messages != nil {
      return [described(describedName)]
    }
    var gateway = described("one envelope per stream")
    gateway.use = .onePerEnvelope
    var reading = described("catching up")
    reading.kind = .catchUp
    reading.readers = readers ?? 4
    return [described("long streams"), gateway, reading]
  }

  var problem: String? { plans.compactMap(\.problem).first }

  private var describedName: String {
    if catchUp { return "catching up" }
    let use = onePerStream ? "one envelope per stream" : "long streams"
    return rate.map { "\(use) at \(FigureText.number($0))/s" } ?? use
  }

  private func described(_ name: String) -> LoadPlan {
    var plan = LoadPlan(name: name)
    if catchUp { plan.kind = .catchUp }
    if onePerStream { plan.use = .onePerEnvelope }
    plan.messages = messages
    if let seconds { plan.seconds = seconds }
    if let size { plan.size = size }
    if let streams { plan.streams = streams }
    plan.connections = connections ?? min(plan.connections, plan.streams)
    if let window { plan.window = window }
    plan.rate = rate
    if let readers { plan.readers = readers }
    if let warmUp { plan.warmUp = warmUp }
    return plan
  }
}

/// An orderer that runs already.
struct BenchmarkTargetOptions: ParsableArguments {
  @Option var address: [String] = []
  @Option var channel: [String] = []
  @Option var mspId: String?
  @Option var msp: String?
  @Option var cert: String?
  @Option var key: String?
  @Option var tlsCa: [String] = []
  @Option var tlsCert: String?
  @Option var tlsKey: String?
  @Option var pid: Int32?

  var isGiven: Bool {
    !channel.isEmpty || !tlsCa.isEmpty || pid != nil
      || [mspId, msp, cert, key, tlsCert, tlsKey].contains { $0 != nil }
  }

  func check() throws {
    guard !address.isEmpty else { return }
    for text in address where OrdererAddress(text) == nil {
      throw ValidationError("--address \(text) is not HOST:PORT")
    }
    guard !channel.isEmpty else { throw ValidationError("--address needs --channel") }
    guard mspId != nil, msp != nil || (cert != nil && key != nil) else {
      throw ValidationError("--address needs --msp-id and either --msp, or --cert and --key")
    }
    guard (tlsCert == nil) == (tlsKey == nil) else {
      throw ValidationError("--tls-cert and --tls-key go together")
    }
    guard tlsCert == nil || !tlsCa.isEmpty else {
      throw ValidationError("--tls-cert needs --tls-ca")
    }
  }

  func target() throws -> BenchmarkTarget {
    var tls: TargetTLS?
    if !tlsCa.isEmpty {
      tls = try TargetTLS(
        rootFiles: tlsCa, certificateFile: tlsCert, keyFile: tlsKey)
    }
    let mspID = mspId ?? ""
    let client: ClientIdentity =
      if let cert, let key {
        try ClientIdentity(mspID: mspID, certificate: cert, key: key)
      } else {
        try ClientIdentity(mspID: mspID, folder: msp ?? "")
      }
    return BenchmarkTarget(
      name: address[0], addresses: address.compactMap { OrdererAddress($0) }, channels: channel,
      client: client, tls: tls, pid: pid)
  }
}

/// Orderers to be started.
struct BenchmarkNodeOptions: ParsableArguments {
  @Option var executable: String?
  @Option var against: String?
  @Option var rounds = 1
  @Option var consensus = BenchmarkConsensus.solo
  @Option var brokers: String?
  @Option var channels: Int?
  @Option var blockMessages: Int?
  @Option var blockTimeout: String?
  @Option var folder: String?
  @Flag var tls = false
  @Flag var mutualTls = false

  /// The first option that was given, for messages.
  var givenOption: String? {
    let given = [
      ("--executable", executable != nil), ("--against", against != nil), ("--rounds", rounds != 1),
      ("--consensus", consensus != .solo), ("--brokers", brokers != nil),
      ("--channels", channels != nil), ("--block-messages", blockMessages != nil),
      ("--block-timeout", blockTimeout != nil), ("--folder", folder != nil), ("--tls", tls),
      ("--mutual-tls", mutualTls),
    ]
    return given.first { $0.1 }?.0
  }

  func check() throws {
    typealias Bounds = LoadPlan.Bounds
    let problems = [
      Bounds.problem("rounds", rounds, Bounds.rounds),
      Bounds.problem("channels", channels, Bounds.channels),
      Bounds.problem("block-messages", blockMessages, Bounds.messages),
    ]
    if let problem = problems.compactMap(\.self).first { throw ValidationError(problem) }
    guard (consensus == .kafka) == (brokers != nil) else {
      throw ValidationError("--consensus kafka and --brokers go together")
    }
  }

  var settings: NodeSettings {
    var settings = NodeSettings()
    settings.consensus = consensus
    settings.tls = mutualTls ? .mutual : tls ? .server : .none
    settings.brokers = (brokers ?? "").split(separator: ",").map(String.init)
    if let channels { settings.channels = channels }
    if let blockMessages { settings.maxMessageCount = blockMessages }
    if let blockTimeout { settings.batchTimeout = blockTimeout }
    return settings
  }

  /// Where the folders of the orderers are made.
  var parent: String { folder ?? FileManager.default.temporaryDirectory.path }

  /// The orderers to measure in turn.
  func contenders() throws -> [BenchmarkSession.Contender] {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let others = [against].compactMap(\.self)
    let names = BenchmarkSession.Contender.names(of: [executable ?? "this orderer"] + others)
    return zip(names, [executable ?? own] + others).map {
      BenchmarkSession.Contender(name: $0, executable: Self.path($1))
    }
  }

  /// The node is started elsewhere, so its path must not depend on the current folder.
  private static func path(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }
}

extension BenchmarkConsensus: ExpressibleByArgument {}
