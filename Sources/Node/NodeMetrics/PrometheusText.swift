// Metrics as Prometheus text, format 0.0.4.

import GoText
import MetricDescriptions

extension MetricRegistry {
  /// The metrics as Prometheus text, format 0.0.4: metrics by name, labels by name, series by the
  /// values of their labels. What has never been recorded is left out (as in Go), and so are metrics
  /// without a series.
  ///
  /// - Parameter process: What is known of the process, for the metrics `process_*`.
  func renderPrometheus(process: ProcessStatistics) -> [UInt8] {
    var text = PrometheusText()
    let recorded = families.map { ExposedMetric($0) }.filter { !$0.series.isEmpty }
    let others = process.metrics.map { ExposedMetric($0.description, value: $0.value) }
    for metric in (recorded + others).sorted(by: {
      SeriesKey.precedes($0.description.name, $1.description.name)
    }) {
      text.write(metric)
    }
    return text.bytes
  }

  /// The metrics as Prometheus text, format 0.0.4, with the metrics `process_*` of this process.
  package func renderPrometheus() -> [UInt8] { renderPrometheus(process: .current()) }

  /// The content type of ``renderPrometheus()``, as Go's client has it.
  package static let prometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
}

/// A metric with the values it has now.
struct ExposedMetric {
  enum Value {
    case number(Double)
    case histogram(bounds: [Double], HistogramSeries.Snapshot)
  }

  let description: MetricDescription
  let sortedLabels: [String]
  /// In the order of their keys.
  let series: [(key: SeriesKey, value: Value)]

  init(_ family: MetricRegistry.Family) {
    description = family.description
    sortedLabels = family.sortedLabels
    series = family.series.compactMap { key, series in Self.value(series).map { (key, $0) } }
      .sorted { $0.key < $1.key }
  }

  /// A metric without labels.
  init(_ description: MetricDescription, value: Double) {
    self.description = description
    sortedLabels = []
    series = [(SeriesKey(values: []), .number(value))]
  }

  private static func value(_ series: any MetricSeries) -> Value? {
    switch series {
    case let counter as CounterSeries: counter.value.map(Value.number)
    case let gauge as GaugeSeries: gauge.value.map(Value.number)
    case let histogram as HistogramSeries:
      histogram.snapshot.map { .histogram(bounds: histogram.bounds, $0) }
    default: nil
    }
  }
}

/// Writes metrics one after the other.
struct PrometheusText {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ metric: ExposedMetric) {
    let name = metric.description.name
    add("# HELP \(name) ")
    addEscaped(metric.description.help, quotes: false)
    add("\n# TYPE \(name) \(metric.description.kind.rawValue)\n")
    for (key, value) in metric.series {
      let labels = Self.labels(metric.sortedLabels, key)
      switch value {
      case .number(let number):
        sample(name, labels, GoFloat.shortest(number))
      case .histogram(let bounds, let snapshot):
        var cumulated: UInt64 = 0
        for (index, count) in snapshot.counts.enumerated() {
          cumulated &+= count
          let bound = index < bounds.count ? GoFloat.shortest(bounds[index]) : "+Inf"
          let separator = labels.isEmpty ? "" : ","
          sample(name + "_bucket", labels + separator + "le=\"\(bound)\"", String(cumulated))
        }
        sample(name + "_sum", labels, GoFloat.shortest(snapshot.sum))
        sample(name + "_count", labels, String(snapshot.count))
      }
    }
  }

  private mutating func sample(_ name: String, _ labels: String, _ value: String) {
    add(labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n")
  }

  private static func labels(_ names: [String], _ key: SeriesKey) -> String {
    var text = PrometheusText()
    for (name, value) in zip(names, key.values) {
      text.add(text.bytes.isEmpty ? "\(name)=\"" : ",\(name)=\"")
      text.addEscaped(value, quotes: true)
      text.add("\"")
    }
    return String(decoding: text.bytes, as: UTF8.self)
  }

  private mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func addEscaped(_ text: String, quotes: Bool) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): add("\\\\")
      case UInt8(ascii: "\n"): add("\\n")
      case UInt8(ascii: "\"") where quotes: add("\\\"")
      default: bytes.append(byte)
      }
    }
  }
}
