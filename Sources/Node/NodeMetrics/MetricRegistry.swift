// The backend of swift-metrics: finds, bounds, shares and forgets series.

import Logging
import MetricDescriptions
import Metrics
import Synchronization

/// Keeps the metrics of a node for Prometheus and statsd.
///
/// A swift-metrics object with the label of a catalogued metric and its labels as dimensions writes
/// to that metric, whatever the order of the dimensions; two objects with the same label and
/// dimensions share one series. Recording takes no lock (except that with `keepsObservations` a
/// histogram has one of its own). Making an object takes one and looks the series up, so it belongs
/// at the start of a channel, stream or method, not at each message.
///
/// Kinds: a `Counter` is for counters, a `Meter` or `Gauge` for gauges, a `Timer` or `Recorder` for
/// histograms; a `Timer` records seconds. A metric of another kind than the catalogue says is not
/// recorded, a missing label has the value `unknown`, an extra one is left out, and the log says so
/// once. Metrics that are not catalogued get a description made up of their name.
///
/// Nothing is shown of a series before its first recording (as in Go).
package final class MetricRegistry: MetricsFactory, Sendable {
  /// How much a registry holds.
  package struct Limits: Sendable {
    /// Series of one metric; what comes later is not recorded, with one warning for each metric.
    package var seriesPerMetric = 20_000
    /// Series of all metrics together.
    package var seriesInAll = 50_000
    /// Metrics that are not in the catalogue.
    package var uncataloguedMetrics = 256
    /// Bytes of a label's value; longer ones are cut.
    package var labelValueBytes = 256
    /// Observations that wait for statsd, in all histograms together.
    package var waitingObservations = 65_536

    package init() {}
  }

  /// One metric.
  struct Family {
    let description: MetricDescription
    /// The label names in the order of output, which is that of the series' keys.
    let sortedLabels: [String]
    /// nil for metrics that are not sent to statsd.
    let statsdName: StatsdName?
    var series: [SeriesKey: any MetricSeries] = [:]
    var told: Set<Trouble> = []

    init(_ description: MetricDescription) {
      self.description = description
      sortedLabels = description.labels.sorted(by: SeriesKey.precedes)
      statsdName = StatsdName(description, sortedLabels: sortedLabels)
    }

    /// Adds a warning, unless it was given before.
    mutating func tell(_ trouble: Trouble, _ text: String, in warnings: inout [String]) {
      if told.insert(trouble).inserted { warnings.append(text) }
    }

    /// The series that an object with these dimensions writes to.
    mutating func key(
      _ dimensions: [(String, String)], _ warnings: inout [String]
    ) -> SeriesKey {
      let values = sortedLabels.map { wanted in
        dimensions.last { $0.0 == wanted || MetricName.label($0.0) == wanted }?.1
      }
      if values.contains(nil) || dimensions.count != values.count {
        tell(
          .labels,
          "The metric \(description.name) has the labels \(sortedLabels) and was used with "
            + "\(dimensions.map(\.0))", in: &warnings)
      }
      return SeriesKey(values: values.map { $0 ?? "unknown" })
    }
  }

  /// What is logged once for each metric.
  enum Trouble: Hashable {
    case kind, labels, tooManySeries
  }

  private struct State {
    var families: [String: Family] = [:]
    var seriesCount = 0
    var uncataloguedCount = 0
    var hasToldOfTooManyMetrics = false
  }

  private let catalogue: MetricCatalogue
  private let limits: Limits
  private let logger: Logger
  private let observationBudget: ObservationBudget?
  private let state = Mutex(State())

  /// - Parameters:
  ///   - catalogue: What is known of metrics beforehand.
  ///   - keepsObservations: whether single observations of histograms are kept for a
  ///     ``StatsdReporter``; Prometheus does not need them.
  package init(
    catalogue: MetricCatalogue, limits: Limits = Limits(), keepsObservations: Bool = false,
    logger: Logger
  ) {
    self.catalogue = catalogue
    self.limits = limits
    self.logger = logger
    observationBudget = keepsObservations ? ObservationBudget(limits.waitingObservations) : nil
  }

  /// The metrics that have been made so far.
  var families: [Family] { state.withLock { Array($0.families.values) } }

  // MARK: MetricsFactory

  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    series(label, dimensions, .counter) as? CounterSeries ?? NOOPMetricsHandler.instance
  }

  package func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    series(label, dimensions, .counter) as? CounterSeries ?? NOOPMetricsHandler.instance
  }

  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    series(label, dimensions, .gauge) as? GaugeSeries ?? NOOPMetricsHandler.instance
  }

  /// - Parameter aggregate: Of a metric that is not catalogued, whether it is a histogram.
  package func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    let catalogued = catalogue.description(of: label)?.kind
    let kind: MetricDescription.Kind = catalogued == .gauge || !aggregate ? .gauge : .histogram
    return series(label, dimensions, kind) as? any RecorderHandler ?? NOOPMetricsHandler.instance
  }

  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    series(label, dimensions, .histogram) as? HistogramSeries ?? NOOPMetricsHandler.instance
  }

  package func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
  package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
    forget(handler)
  }
  package func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
  package func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
  package func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

  /// Forgets every series in which `label` has the value `value`: for a channel that is removed.
  /// What other objects still write to them is lost.
  package func removeSeries(label: String, value: String) {
    let value = bounded(value)
    state.withLock { state in
      for name in state.families.keys {
        guard let place = state.families[name]?.sortedLabels.firstIndex(of: label) else { continue }
        let gone = state.families[name]?.series.keys.filter { $0.values[place] == value } ?? []
        for key in gone { state.families[name]?.series[key] = nil }
        state.seriesCount -= gone.count
      }
    }
  }

  // MARK: Series

  private func series(
    _ label: String, _ dimensions: [(String, String)], _ kind: MetricDescription.Kind
  ) -> (any MetricSeries)? {
    // Warnings are logged outside the lock, since logging makes metrics, too.
    let (series, warnings) = state.withLock { state in
      find(
        label, dimensions.map { ($0.0, bounded($0.1)) }, kind, in: &state)
    }
    for warning in warnings { logger.warning("\(warning)") }
    return series
  }

  private func find(
    _ label: String, _ dimensions: [(String, String)], _ kind: MetricDescription.Kind,
    in state: inout State
  ) -> (series: (any MetricSeries)?, warnings: [String]) {
    let described = catalogue.description(of: label)
    let name = described?.name ?? MetricName.metric(label)
    guard
      var family = state.families[name]
        ?? (described ?? catalogue.description(of: name)).map(Family.init)
        ?? uncatalogued(name, dimensions, kind, in: &state)
    else { return (nil, warningOfTooManyMetrics(name, in: &state)) }
    // So that the array is not copied when it is changed below.
    state.families[name] = nil
    defer { state.families[name] = family }

    var warnings: [String] = []
    guard family.description.kind == kind else {
      family.tell(
        .kind,
        "The metric \(name) is a \(family.description.kind.rawValue) and not a \(kind.rawValue); "
          + "what is recorded as such is lost", in: &warnings)
      return (nil, warnings)
    }
    let key = family.key(dimensions, &warnings)
    if let known = family.series[key] { return (known, warnings) }
    guard family.series.count < limits.seriesPerMetric, state.seriesCount < limits.seriesInAll
    else {
      family.tell(
        .tooManySeries,
        "The metric \(name) has \(family.series.count) series, all metrics have "
          + "\(state.seriesCount), and no more than \(limits.seriesPerMetric) and "
          + "\(limits.seriesInAll) are kept: values for more channels or clients are not recorded "
          + "until some go away", in: &warnings)
      return (nil, warnings)
    }
    let new = makeSeries(of: family.description, key)
    family.series[key] = new
    state.seriesCount += 1
    return (new, warnings)
  }

  private func makeSeries(
    of description: MetricDescription, _ key: SeriesKey
  ) -> any MetricSeries {
    switch description.kind {
    case .counter: CounterSeries(name: description.name, key: key)
    case .gauge: GaugeSeries(name: description.name, key: key)
    case .histogram:
      HistogramSeries(
        name: description.name, key: key, bounds: description.buckets,
        observations: observationBudget.map(ObservationSample.init))
    }
  }

  /// A metric that the catalogue does not have; nil if there are too many of them.
  private func uncatalogued(
    _ name: String, _ dimensions: [(String, String)], _ kind: MetricDescription.Kind,
    in state: inout State
  ) -> Family? {
    guard state.uncataloguedCount < limits.uncataloguedMetrics else { return nil }
    state.uncataloguedCount += 1
    return Family(Self.description(name, dimensions, kind))
  }

  private func warningOfTooManyMetrics(_ name: String, in state: inout State) -> [String] {
    guard !state.hasToldOfTooManyMetrics else { return [] }
    state.hasToldOfTooManyMetrics = true
    return [
      "There are more than \(limits.uncataloguedMetrics) metrics that the node does not "
        + "know beforehand; \(name) and further ones are not recorded"
    ]
  }

  /// The description of an uncatalogued metric, as its first use tells it.
  private static func description(
    _ name: String, _ dimensions: [(String, String)], _ kind: MetricDescription.Kind
  ) -> MetricDescription {
    let labels = Set(dimensions.map { MetricName.label($0.0) }).sorted(by: SeriesKey.precedes)
    return MetricDescription(
      name: name, kind: kind, labels: labels,
      help: "No description.",
      statsdFormat: ([name] + labels.map { "%{\($0)}" }).joined(separator: "."))
  }

  private func forget(_ handler: AnyObject) {
    guard let series = handler as? any MetricSeries else { return }
    state.withLock { state in
      guard state.families[series.name]?.series[series.key] === series else { return }
      state.families[series.name]?.series[series.key] = nil
      state.seriesCount -= 1
    }
  }

  private func bounded(_ value: String) -> String {
    guard value.utf8.count > limits.labelValueBytes else { return value }
    var cut = value.utf8.index(value.startIndex, offsetBy: limits.labelValueBytes)
    while cut > value.startIndex, cut.samePosition(in: value.unicodeScalars) == nil {
      cut = value.utf8.index(before: cut)
    }
    return String(value[..<cut])
  }
}
