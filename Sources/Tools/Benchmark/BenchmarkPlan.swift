// What is to be measured.

import Storage

/// The load of one measurement.
package struct LoadPlan: Codable, Sendable, Equatable {
  /// What a measurement is about.
  package enum Kind: String, Codable, Sendable {
    /// Sending, with readers at the tip.
    case broadcast
    /// Reading channels from their beginning.
    case catchUp
  }

  /// Envelopes per second to be ready for if nothing was measured before.
  static let assumedRate = 20_000.0

  /// For people, in tables.
  package var name: String
  package var kind = Kind.broadcast
  /// How many envelopes to send; nil for as many as the time allows.
  package var messages: Int?
  /// How long to send, in seconds.
  package var seconds = 8.0
  /// Bytes of an envelope.
  package var size = 2_048
  package var streams = 16
  package var connections = 4
  package var use = StreamUse.long
  /// Envelopes of a stream that may wait for their answers.
  package var window = 64
  /// Envelopes per second of all streams together; nil for flat out.
  package var rate: Double?
  /// Readers of each channel.
  package var readers = 1
  /// Envelopes that go ahead to warm the orderer up, and show how many the time will need.
  package var warmUp = 2_000

  package init(name: String) { self.name = name }

  /// The bounds of what can be asked for.
  package enum Bounds {
    package static let messages = 1...10_000_000
    package static let seconds = 0.1...3_600
    package static let size = 1...(100 << 20)
    package static let streams = 1...10_000
    package static let connections = 1...1_000
    package static let window = 1...10_000
    package static let rate = 0.1...10_000_000
    package static let readers = 0...10_000
    package static let warmUp = 0...1_000_000
    package static let channels = 1...1_000
    package static let rounds = 1...100

    /// Why a value cannot be; nil if it can, or if none was given.
    package static func problem<Value: Comparable>(
      _ option: String, _ value: Value?, _ bounds: ClosedRange<Value>
    ) -> String? {
      guard let value, !bounds.contains(value) else { return nil }
      return
        "--\(option) is \(value); it must be from \(bounds.lowerBound) to \(bounds.upperBound)"
    }
  }

  /// Why this cannot be measured; nil if it can.
  package var problem: String? {
    let problems = [
      Bounds.problem("messages", messages, Bounds.messages),
      Bounds.problem("seconds", seconds, Bounds.seconds),
      Bounds.problem("size", size, Bounds.size),
      Bounds.problem("streams", streams, Bounds.streams),
      Bounds.problem("connections", connections, Bounds.connections),
      Bounds.problem("window", window, Bounds.window),
      Bounds.problem("rate", rate, Bounds.rate),
      Bounds.problem("readers", readers, Bounds.readers),
      Bounds.problem("warm-up", warmUp, Bounds.warmUp),
    ]
    if let problem = problems.compactMap(\.self).first { return problem }
    if kind == .catchUp, readers == 0 { return "--catch-up needs at least one reader" }
    if let messages, messages > maximumMessages {
      return "--messages \(messages) of \(size) bytes are more than the"
        + " \(EnvelopeStock.maximumBytes >> 20) MiB that are signed ahead"
    }
    return nil
  }

  /// How many envelopes there may be, for the memory they take.
  package var maximumMessages: Int { max(1, EnvelopeStock.maximumBytes / (max(size, 1_024) + 64)) }

  /// How many envelopes to sign.
  ///
  /// - Parameter measured: Envelopes per second that the warm-up showed.
  func count(measured: Double) -> Int {
    if let messages { return messages }
    // Warm-ups are slow: what is not needed costs memory, what is missing ends the run early.
    let wanted = seconds * (rate ?? measured * 2.5)
    return min(max(Int(wanted.rounded(.up)), streams), maximumMessages)
  }

  /// When sending ends, in seconds from its beginning: a number of messages is sent to its end.
  var sendingSeconds: Double { messages == nil ? seconds : LoadPlan.Bounds.seconds.upperBound }
}

/// The orderer that is measured.
package struct BenchmarkTarget: Sendable {
  /// For people, in tables.
  package var name: String
  package var addresses: [OrdererAddress]
  package var channels: [String]
  package var client: ClientIdentity
  package var tls: TargetTLS?
  /// The process to watch, if it runs on this machine.
  package var pid: Int32?
  /// Where it writes its blocks, if that is known.
  package var folder: String?

  package init(
    name: String, addresses: [OrdererAddress], channels: [String], client: ClientIdentity,
    tls: TargetTLS?, pid: Int32?, folder: String? = nil
  ) {
    self.name = name
    self.addresses = addresses
    self.channels = channels
    self.client = client
    self.tls = tls
    self.pid = pid
    self.folder = folder
  }
}

/// TLS to the orderer.
package struct TargetTLS: Sendable {
  /// Certificates that the server's may come from, PEM.
  package var roots: [[UInt8]]
  /// What this side shows, PEM; empty for nothing.
  package var certificate: [UInt8]
  package var key: [UInt8]

  package init(roots: [[UInt8]], certificate: [UInt8] = [], key: [UInt8] = []) {
    self.roots = roots
    self.certificate = certificate
    self.key = key
  }
  /// Reads PEM files.
  package init(rootFiles: [String], certificateFile: String?, keyFile: String?) throws {
    func read(_ path: String?) throws -> [UInt8] {
      guard let path else { return [] }
      return try BoundedFile.read(path, limit: ClientIdentity.maximumFileSize)
    }
    self.init(
      roots: try rootFiles.map { try read($0) }, certificate: try read(certificateFile),
      key: try read(keyFile))
  }
}
