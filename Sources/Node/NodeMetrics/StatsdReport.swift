// What a registry has recorded since the last report, as lines for statsd.

import GoText

/// Puts lines together to packets of a bounded size. A statsd server takes several lines in a packet;
/// each ends in a line feed, as go-kit writes them.
struct StatsdPackets {
  /// Longest line: a name with three labels of the registry's longest, and its value.
  static let maximumLineBytes = 4096

  let limit: Int
  private(set) var packet: [UInt8] = []

  init(limit: Int) { self.limit = limit }

  /// Adds a line.
  ///
  /// - Returns: the packet that is full with the lines before.
  mutating func add(_ line: [UInt8]) -> [UInt8]? {
    guard line.count <= Self.maximumLineBytes else { return nil }
    guard !packet.isEmpty, packet.count + line.count > limit else {
      packet += line
      return nil
    }
    defer { packet = line }
    return packet
  }
}

/// The lines of one report.
struct StatsdReport {
  /// With a period at its end, or empty.
  let prefix: [UInt8]

  init(prefix: String) {
    self.prefix = Array((prefix.isEmpty || prefix.hasSuffix(".") ? prefix : prefix + ".").utf8)
  }

  /// Takes what a registry has recorded since the last call: counters as what they grew by, gauges
  /// that were set, histograms as single observations in the unit they were recorded in, which Fabric
  /// sends as `ms` although they are seconds.
  func lines(
    of registry: MetricRegistry, _ body: ([UInt8]) async throws -> Void
  ) async throws {
    for family in registry.families {
      guard let statsdName = family.statsdName else { continue }
      for (key, series) in family.series {
        var name = prefix
        statsdName.write(key, to: &name)
        switch series {
        case let counter as CounterSeries:
          guard let growth = counter.takeGrowth() else { continue }
          try await body(line(name, growth, "c"))
        case let gauge as GaugeSeries:
          guard let value = gauge.takeChange(), value.isFinite else { continue }
          try await body(line(name, value, "g"))
        case let histogram as HistogramSeries:
          guard let (values, seen) = histogram.observations?.take(), !values.isEmpty else {
            continue
          }
          let rate = max(Double(values.count) / Double(max(seen, 1)), 1e-6)
          let type = rate < 1 ? "ms|@" + GoFloat.fixed(rate) : "ms"
          for value in values { try await body(line(name, value, type)) }
        default: continue
        }
      }
    }
  }

  /// The process's own numbers as gauges: `process.open_fds`.
  func lines(of process: ProcessStatistics, _ body: ([UInt8]) async throws -> Void) async throws {
    for (description, value) in process.metrics {
      let name = "process." + description.name.dropFirst("process_".count)
      try await body(line(prefix + name.utf8, value, "g"))
    }
  }

  private func line(_ name: [UInt8], _ value: Double, _ type: String) -> [UInt8] {
    var line = name
    line.append(UInt8(ascii: ":"))
    line.append(contentsOf: GoFloat.fixed(value).utf8)
    line.append(UInt8(ascii: "|"))
    line.append(contentsOf: type.utf8)
    line.append(UInt8(ascii: "\n"))
    return line
  }
}
