// Makes metrics from their descriptions.

import Metrics

extension MetricsFactory {
  /// Whether anybody reads what is recorded. If not, costly measurements, such as asking the clock,
  /// are skipped.
  package var isRecording: Bool { !(self is NOOPMetricsHandler) }

  /// The series of a counter with these values of its labels, in the order of its description.
  package func counter(_ description: MetricDescription, _ values: String...) -> Counter {
    Counter(
      label: description.name, dimensions: description.dimensions(.counter, values), factory: self)
  }

  /// The series of a gauge with these values of its labels, in the order of its description.
  package func gauge(_ description: MetricDescription, _ values: String...) -> Gauge {
    Gauge(
      label: description.name, dimensions: description.dimensions(.gauge, values), factory: self)
  }

  /// The series of a histogram of times with these values of its labels, in the order of its description.
  package func timer(_ description: MetricDescription, _ values: String...) -> Timer {
    Timer(
      label: description.name, dimensions: description.dimensions(.histogram, values),
      factory: self)
  }
}

extension MetricDescription {
  fileprivate func dimensions(_ kind: Kind, _ values: [String]) -> [(String, String)] {
    assert(
      kind == self.kind && values.count == labels.count,
      "\(name) is a \(self.kind.rawValue) with the labels \(labels)")
    return Array(zip(labels, values))
  }
}
