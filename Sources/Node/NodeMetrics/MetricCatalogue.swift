// The metrics that are known beforehand.

import MetricDescriptions

/// What the rooms of a node record, by name: ``MetricRegistry`` finds kind, labels and buckets here.
package struct MetricCatalogue: Sendable {
  /// All metrics, in the order in which they were given.
  package let all: [MetricDescription]
  private let byName: [String: MetricDescription]

  /// - Parameter all: Of two with the same name the first counts.
  package init(_ all: [MetricDescription]) {
    self.all = all
    byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The description of the metric called `name` in Prometheus.
  package func description(of name: String) -> MetricDescription? { byName[name] }
}
