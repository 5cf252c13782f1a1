// The text that Prometheus reads.

import Foundation
import Logging
import Metrics
import TestSupport
import Testing

@testable import NodeMetrics

@Suite struct PrometheusTextTests {
  private let registry = MetricRegistry(catalogue: .test, logger: TestLog().logger)

  private var text: String {
    String(decoding: registry.renderPrometheus(process: ProcessStatistics()), as: UTF8.self)
  }

  @Test func aScrapeLooksLikeGos() {
    let labels = [("channel", "b"), ("filtered", "false"), ("data_type", "block")]
    Counter(label: "deliver_blocks_sent", dimensions: labels, factory: registry).increment(by: 12)
    Counter(
      label: "deliver_blocks_sent", dimensions: [("channel", "a")] + labels.dropFirst(),
      factory: registry
    ).increment(by: 1_234_567)
    Gauge(label: "fabric_version", dimensions: [("version", "2.5.16")], factory: registry).record(1)
    let commit = Recorder(
      label: "ledger_blockstorage_commit_time", dimensions: [("channel", "a")], factory: registry)
    commit.record(0.004)
    commit.record(0.03)
    commit.record(20)
    Counter(label: "deliver_streams_opened", factory: registry).increment()
    #expect(
      text == """
        # HELP deliver_blocks_sent Blocks that were sent to readers.
        # TYPE deliver_blocks_sent counter
        deliver_blocks_sent{channel="a",data_type="block",filtered="false"} 1.234567e+06
        deliver_blocks_sent{channel="b",data_type="block",filtered="false"} 12
        # HELP deliver_streams_opened Streams of readers that were opened.
        # TYPE deliver_streams_opened counter
        deliver_streams_opened 1
        # HELP fabric_version The version of the node as a label; always 1.
        # TYPE fabric_version gauge
        fabric_version{version="2.5.16"} 1
        # HELP ledger_blockstorage_commit_time Seconds until a block was safely in the block store.
        # TYPE ledger_blockstorage_commit_time histogram
        ledger_blockstorage_commit_time_bucket{channel="a",le="0.005"} 1
        ledger_blockstorage_commit_time_bucket{channel="a",le="0.01"} 1
        ledger_blockstorage_commit_time_bucket{channel="a",le="0.015"} 1
        ledger_blockstorage_commit_time_bucket{channel="a",le="0.05"} 2
        ledger_blockstorage_commit_time_bucket{channel="a",le="0.1"} 2
        ledger_blockstorage_commit_time_bucket{channel="a",le="1"} 2
        ledger_blockstorage_commit_time_bucket{channel="a",le="10"} 2
        ledger_blockstorage_commit_time_bucket{channel="a",le="+Inf"} 3
        ledger_blockstorage_commit_time_sum{channel="a"} 20.034
        ledger_blockstorage_commit_time_count{channel="a"} 3

        """)
  }

  @Test func labelValuesAreEscaped() {
    Gauge(
      label: "fabric_version", dimensions: [("version", "a\"b\\c\nd{}=,ü")], factory: registry
    ).record(1)
    #expect(text.contains(#"fabric_version{version="a\"b\\c\nd{}=,ü"} 1"#))
  }

  @Test func seriesAreInTheOrderOfTheirBytes() {
    for channel in ["b", "a", "B", "ä", "a-1", "aa", "10", "9"] {
      Gauge(
        label: "ledger_blockchain_height", dimensions: [("channel", channel)], factory: registry
      ).record(1)
    }
    let channels = text.split(separator: "\n").filter { $0.hasPrefix("ledger") }
      .compactMap { $0.split(separator: "\"").dropFirst().first.map(String.init) }
    #expect(channels == ["10", "9", "B", "a", "a-1", "aa", "b", "ä"])
  }

  @Test func aThousandChannelsAreRenderedCompletely() {
    for number in 0..<1_000 {
      Timer(
        label: "ledger_blockstorage_commit_time", dimensions: [("channel", "channel\(number)")],
        factory: registry
      ).recordSeconds(1)
    }
    #expect(text.split(separator: "\n").count == 2 + 1_000 * 10)
  }

  /// A reader that others have written, where there is one.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["HEDDLE_PYTHON"] != nil))
  func pythonsParserReadsIt() async throws {
    for metric in MetricCatalogue.test.all {
      let labels = metric.labels.map { ($0, "a \"\\\n'{") }
      switch metric.kind {
      case .counter: Counter(label: metric.name, dimensions: labels, factory: registry).increment()
      case .gauge: Gauge(label: metric.name, dimensions: labels, factory: registry).record(-0.25)
      case .histogram:
        Timer(label: metric.name, dimensions: labels, factory: registry).recordMilliseconds(3)
      }
    }
    let file = FileManager.default.temporaryDirectory.appending(
      path: "metrics-\(UUID().uuidString).txt")
    try Data(registry.renderPrometheus()).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let script = """
      import sys
      from prometheus_client.parser import text_string_to_metric_families
      for family in text_string_to_metric_families(open(sys.argv[1], encoding="utf-8").read()):
          assert family.documentation, family.name
          for sample in family.samples:
              labels = {name: value for name, value in sample.labels.items() if name != "le"}
              assert set(labels.values()) <= {"a \\"\\\\\\n'{"}, labels
          print(family.name, family.type)
      """
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(
      filePath: ProcessInfo.processInfo.environment["HEDDLE_PYTHON"] ?? "")
    process.arguments = ["-c", script, file.path]
    process.standardOutput = output
    try process.run()
    let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    for metric in MetricCatalogue.test.all + ProcessStatistics.descriptions {
      // Python's parser takes the suffix `_total` off.
      let name = metric.name.hasSuffix("_total") ? String(metric.name.dropLast(6)) : metric.name
      #expect(printed.contains("\(name) \(metric.kind.rawValue)\n"))
    }
  }
}

@Suite struct ProcessStatisticsTests {
  @Test func theKernelsFilesAreRead() {
    let statistics = ProcessStatistics(
      stat: """
        4711 (a (strange) name) S 1 4711 4711 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 12300 \
        104857600 2560 18446744073709551615 1 1
        """,
      systemStat: "cpu  1 2 3\nbtime 1700000000\nprocesses 5\n",
      netstat: "TcpExt: A B\nTcpExt: 1 2\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 0 77 88\n",
      ticksPerSecond: 100, pageSize: 4096)
    #expect(statistics.cpuSeconds == 3)
    #expect(statistics.startTime == 1_700_000_123)
    #expect(statistics.virtualBytes == 104_857_600)
    #expect(statistics.residentBytes == 10_485_760)
    #expect(statistics.networkBytesReceived == 77)
    #expect(statistics.networkBytesSent == 88)
  }

  @Test(arguments: ["", ")", "1 (a) S", "x y z", "1 (a) S a b c d e f g h i j k l m n o p q r s t"])
  func otherTextGivesNothing(text: String) {
    let statistics = ProcessStatistics(
      stat: text, systemStat: text, netstat: text, ticksPerSecond: 0, pageSize: 4096)
    #expect(statistics.metrics.isEmpty)
  }

  @Test func thisProcessHasAllOfThem() {
    let metrics = ProcessStatistics.current().metrics
    #expect(
      metrics.map(\.description.name)
        == ProcessStatistics.descriptions.map(\.name))
    for (description, value) in metrics where !description.name.contains("network") {
      #expect(value > 0, "\(description.name)")
    }
  }
}
