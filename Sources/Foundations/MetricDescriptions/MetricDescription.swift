// What is known about a metric in advance: its names, its kind, its labels.

/// A metric as Prometheus and statsd see it.
///
/// The room that records a metric describes it beside the code that does; the node collects the
/// descriptions of its rooms when it starts.
package struct MetricDescription: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable {
    case counter, gauge, histogram
  }

  /// The name in Prometheus, `[a-zA-Z_:][a-zA-Z0-9_:]*`; also the label of the swift-metrics object.
  package let name: String
  package let kind: Kind
  /// The label names in the order of Fabric's documentation; output sorts them.
  package let labels: [String]
  /// One sentence for the person who reads `/metrics`.
  package let help: String
  /// Upper bounds of a histogram's buckets, ascending, without infinity; at most
  /// ``maximumBuckets``. Empty for other kinds.
  package let buckets: [Double]
  /// The name in statsd, in which `%{label}` stands for the value of a label. Characters that mean
  /// something to statsd (`.`, `|`, `:`, white space) become `_` in values. nil for metrics that
  /// statsd does not get.
  package let statsdFormat: String?

  /// The most finite bounds that a histogram can have; any more are dropped.
  package static let maximumBuckets = 15

  /// The buckets of Go's Prometheus client, in seconds.
  package static let defaultBuckets = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  ]

  package init(
    name: String, kind: Kind, labels: [String] = [], help: String,
    buckets: [Double] = MetricDescription.defaultBuckets, statsdFormat: String?
  ) {
    self.name = name
    self.kind = kind
    self.labels = labels
    self.help = help
    self.buckets = kind == .histogram ? Array(buckets.prefix(Self.maximumBuckets)) : []
    self.statsdFormat = statsdFormat
  }
}

extension MetricDescription {
  /// A counter.
  ///
  /// - Parameter parts: The parts of its name with periods between them, as in Fabric: Prometheus joins
  ///   them with `_`, statsd with `.`, and there the labels' values follow.
  package static func counter(
    _ parts: String, labels: [String] = [], _ help: String
  ) -> MetricDescription {
    MetricDescription(.counter, parts, labels, help)
  }

  /// A gauge; see ``counter(_:labels:_:)``.
  package static func gauge(
    _ parts: String, labels: [String] = [], _ help: String
  ) -> MetricDescription {
    MetricDescription(.gauge, parts, labels, help)
  }

  /// A histogram; see ``counter(_:labels:_:)``.
  package static func histogram(
    _ parts: String, labels: [String] = [], _ help: String,
    buckets: [Double] = MetricDescription.defaultBuckets
  ) -> MetricDescription {
    MetricDescription(.histogram, parts, labels, help, buckets: buckets)
  }

  private init(
    _ kind: Kind, _ parts: String, _ labels: [String], _ help: String,
    buckets: [Double] = MetricDescription.defaultBuckets
  ) {
    self.init(
      name: String(parts.map { $0 == "." ? "_" : $0 }), kind: kind, labels: labels, help: help,
      buckets: buckets,
      statsdFormat: ([parts] + labels.map { "%{\($0)}" }).joined(separator: "."))
  }
}
