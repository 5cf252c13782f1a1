// The figures of a run that are shown side by side and compared.

/// A figure by name.
package struct Figure: Sendable {
  /// What is better.
  package enum Better: Sendable {
    case more
    case less
    /// Neither.
    case none
  }

  package let name: String
  package let unit: String
  package let better: Better
  let value: @Sendable (RunReport) -> Double?

  /// All of them in the order in which they are shown.
  static let all: [Figure] = [
    Figure("acknowledged", "tx/s", .more) { $0.acknowledgedPerSecond },
    Figure("delivered", "tx/s", .more) { $0.deliveredPerSecond },
    Figure("blocks", "1/s", .none) { $0.blocksPerSecond },
    Figure("read", "MB/s", .more) { $0.readMegabytesPerSecond },
    Figure("acknowledged after, median", "ms", .less) { $0.acknowledgeLatency?.median },
    Figure("acknowledged after, 99 %", "ms", .less) { $0.acknowledgeLatency?.p99 },
    Figure("acknowledged after, 99.9 %", "ms", .less) { $0.acknowledgeLatency?.p999 },
    Figure("acknowledged after, at most", "ms", .less) { $0.acknowledgeLatency?.maximum },
    Figure("delivered after, median", "ms", .less) { $0.deliverLatency?.median },
    Figure("delivered after, 99 %", "ms", .less) { $0.deliverLatency?.p99 },
    Figure("delivered after, 99.9 %", "ms", .less) { $0.deliverLatency?.p999 },
    Figure("delivered after, at most", "ms", .less) { $0.deliverLatency?.maximum },
    Figure("acknowledged, not delivered, at most", "tx", .less) {
      $0.deliverLatency == nil ? nil : Double($0.maximumBacklog)
    },
    Figure("orderer's CPU", "us/tx", .less) { $0.server?.microsecondsPerTransaction },
    Figure("orderer's CPU", "s/GB", .less) { $0.server?.secondsPerGigabyte },
    Figure("orderer's CPU", "cores", .none) { $0.server?.cores },
    Figure("orderer's memory", "MB", .less) { $0.server?.residentMegabytes },
    Figure("orderer's memory, at most", "MB", .less) { $0.server?.peakMegabytes },
    Figure("client's CPU", "us/tx", .none) { $0.client.microsecondsPerTransaction },
    Figure("client's CPU", "s/GB", .none) { $0.client.secondsPerGigabyte },
    Figure("client's CPU", "cores", .none) { $0.client.cores },
    Figure("other programs' CPU", "cores", .none) { $0.otherCores },
    Figure("synchronizing a block", "ms", .none) { $0.synchronizeMilliseconds },
  ]

  private init(
    _ name: String, _ unit: String, _ better: Better,
    _ value: @escaping @Sendable (RunReport) -> Double?
  ) {
    self.name = name
    self.unit = unit
    self.better = better
    self.value = value
  }
}
