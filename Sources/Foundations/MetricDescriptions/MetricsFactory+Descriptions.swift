// Making what a description describes.

import Metrics

extension MetricsFactory {
  /// Whether anybody looks at what is recorded. What costs something to measure, e.g. by asking the
  /// clock, is not measured otherwise.
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
