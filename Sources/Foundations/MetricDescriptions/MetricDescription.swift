// What is known of a metric beforehand: its names, its kind, its labels.

/// A metric as Prometheus and statsd are told of it.
package struct MetricDescription: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable {
    case counter, gauge, histogram
  }

  /// Where a metric belongs, for documentation.
  package enum Group: String, Sendable, Hashable, CaseIterable {
    case broadcast, deliver, ledger, grpc, logging, node, kafka, cluster, raft, participation,
      heddle, process
    /// Not in the catalogue.
    case other
  }

  /// The name in Prometheus, `[a-zA-Z_:][a-zA-Z0-9_:]*`; also the label of the swift-metrics object.
  package let name: String
  package let kind: Kind
  package let group: Group
  /// The label names in the order of Fabric's documentation; output sorts them.
  package let labels: [String]
  /// One sentence for the person who reads `/metrics`.
  package let help: String
  /// Upper bounds of a histogram's buckets, ascending, without infinity; at most
  /// ``maximumBuckets``. Empty for other kinds.
  package let buckets: [Double]
  /// The name in statsd, in which `%{label}` stands for the value of a label. Characters that mean
  /// something to statsd (`.`, `|`, `:`, white space) become `_` in values.
  package let statsdFormat: String

  /// The most finite bounds that a histogram can have; what is beyond is dropped.
  package static let maximumBuckets = 15

  /// The buckets of Go's Prometheus client, in seconds.
  package static let defaultBuckets = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]

  package init(
    name: String, kind: Kind, group: Group, labels: [String] = [], help: String,
    buckets: [Double] = MetricDescription.defaultBuckets, statsdFormat: String
  ) {
    self.name = name
    self.kind = kind
    self.group = group
    self.labels = labels
    self.help = help
    self.buckets = kind == .histogram ? Array(buckets.prefix(Self.maximumBuckets)) : []
    self.statsdFormat = statsdFormat
  }
}
