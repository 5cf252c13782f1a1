// How long it takes to judge an update of a large channel.

import ArgumentParser
import ChannelConfig
import FabricProtos
import Foundation

@main
struct Benchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config-update-benchmark",
    abstract: "Measures how long a config update of a large channel takes to be judged",
    discussion: """
      An organization joins a channel; most of those that are there have signed. "First" is the first \
      update after the config came into force, when no identity has been seen yet; "again" is another \
      update of the same config.
      """)

  @Option(help: "How many organizations the channel has.")
  var organizations = 100
  @Option(help: "How often to measure.")
  var rounds = 20
  @Option(help: "Write config and update into this folder, for other programs to measure.")
  var dump: String?

  func run() throws {
    let network = try Network(organizations: organizations)
    let config: [UInt8] = try network.config.deterministicBytes()
    print(
      "\(organizations) organizations, config \(config.count) bytes, update "
        + "\(network.update.count) bytes")
    if let dump {
      try Data(config).write(to: URL(fileURLWithPath: "\(dump)/config.pb"))
      try Data(network.update).write(to: URL(fileURLWithPath: "\(dump)/update.pb"))
    }
    var load: [Duration] = []
    var first: [Duration] = []
    var again: [Duration] = []
    let clock = ContinuousClock()
    for _ in 0..<rounds {
      var loaded: ConfigBundle?
      load.append(
        try clock.measure {
          loaded = try ConfigBundle(
            channelID: Network.channelID, config: Common_Config(serializedBytes: config))
        })
      guard let bundle = loaded else { continue }
      first.append(try clock.measure { try judge(network.update, bundle) })
      again.append(try clock.measure { try judge(network.update, bundle) })
    }
    for (name, times) in [("load config", load), ("first update", first), ("again", again)] {
      print("\(name): median \(Self.text(times, 0.5)) ms, best \(Self.text(times, 0)) ms")
    }
  }

  /// What a node does with an update before it is ordered.
  private func judge(_ update: [UInt8], _ bundle: ConfigBundle) throws {
    let proposed = try bundle.proposeConfigUpdate(envelope: update)
    let next = try ConfigBundle(channelID: bundle.channelID, config: proposed.config)
    try next.checkCapabilitiesSupported()
    try bundle.validateNext(next)
  }

  private static func text(_ times: [Duration], _ quantile: Double) -> String {
    let sorted = times.sorted()
    guard !sorted.isEmpty else { return "-" }
    let time = sorted[min(sorted.count - 1, Int(Double(sorted.count) * quantile))]
    return String(format: "%.2f", time / .milliseconds(1))
  }
}
