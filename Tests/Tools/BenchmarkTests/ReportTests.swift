// What a report says, and how reports are compared.

import Foundation
import TestSupport
import Testing

@testable import Benchmark

struct ReportTests {
  /// A run with round figures.
  static func run(
    _ orderer: String = "ours", plan: LoadPlan = LoadPlan(name: "long streams"),
    rate: Double = 1_000, server: Double = 1, client: Double = 0.1, seconds: Double = 1
  ) -> RunReport {
    var run = RunReport(
      plan: plan, orderer: orderer, channels: 1, seconds: seconds,
      client: ProcessFigures(cpuSeconds: client, cores: client / seconds))
    run.acknowledged = Int(rate * seconds)
    run.acknowledgedPerSecond = rate
    run.server = ProcessFigures(cpuSeconds: server, cores: server / seconds)
    run.server?.microsecondsPerTransaction = server / rate * 1e6
    return run
  }

  @Test("What limits a run")
  func limits() {
    #expect(Limits.of(Self.run(server: 1.8, client: 0.1), cores: 2)[0].hasPrefix("CPU: 1.90 of 2"))
    #expect(Limits.of(Self.run(server: 0.5, client: 0.05), cores: 2)[0].hasPrefix("waiting"))
    var shared = Self.run(server: 0.5, client: 0.05)
    shared.otherCores = 1.3
    #expect(Limits.of(shared, cores: 2)[0] == "other programs: they kept 1.30 of 2 cores busy")
    var disk = Self.run(server: 0.5, client: 0.05)
    disk.blocksPerSecond = 100
    disk.synchronizeMilliseconds = 8
    #expect(Limits.of(disk, cores: 2)[0].hasPrefix("the disk: 100 blocks"))
    var plan = LoadPlan(name: "paced")
    plan.rate = 1_000
    #expect(Limits.of(Self.run(plan: plan, rate: 999), cores: 2)[0].hasPrefix("the rate"))
    #expect(!Limits.of(Self.run(plan: plan, rate: 500), cores: 2)[0].hasPrefix("the rate"))
    var foreign = Self.run()
    foreign.server = nil
    #expect(Limits.of(foreign, cores: 2)[0].contains("--pid"))
  }

  @Test("A client that takes more than a fifth of the server's CPU is named")
  func clientShare() {
    #expect(Limits.of(Self.run(server: 1, client: 0.19), cores: 2).count == 1)
    #expect(Limits.of(Self.run(server: 1, client: 0.3), cores: 2)[1].contains("30 %"))
  }

  @Test("A run with losses is not clean")
  func clean() {
    #expect(Self.run().isClean)
    for spoil: (inout RunReport) -> Void in [
      { $0.refused["400"] = 1 }, { $0.unanswered = 1 }, { $0.missing = 1 }, { $0.duplicates = 1 },
      { $0.failures = 1 }, { $0.acknowledged = 0 },
    ] {
      var run = Self.run()
      spoil(&run)
      #expect(!run.isClean)
    }
  }

  @Test("A report survives its file, and other files are refused with a reason")
  func file() throws {
    let folder = try TemporaryFolder()
    var run = Self.run()
    run.acknowledgeLatency = LatencySummary(
      count: 1, mean: 1, median: 1, p90: 1, p99: 1, p999: 1, maximum: 1)
    let report = BenchmarkReport(machine: BenchmarkReport.Machine(cores: 2), runs: [run])
    let path = "\(folder.path)/report.json"
    try Data(try report.json()).write(to: URL(fileURLWithPath: path))
    #expect(try BenchmarkReport(contentsOf: path) == report)
    for text in ["", "{}", "[1", "{\"version\": 1, \"machine\": {\"cores\": \"x\"}}"] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: BenchmarkError.self) { try BenchmarkReport(contentsOf: path) }
    }
    var later = report
    later.version = 2
    try Data(try later.json()).write(to: URL(fileURLWithPath: path))
    #expect {
      try BenchmarkReport(contentsOf: path)
    } throws: {
      "\($0)".contains("has version 2")
    }
  }

  @Test("Pairs are compared round by round")
  func comparison() throws {
    let ours = [100.0, 200, 300].map { Self.run(rate: $0) }
    let theirs = [100.0, 100, 100].map { Self.run("theirs", rate: $0) }
    let comparison = try Comparison(ours, theirs, names: ("ours", "theirs"))
    let rate = try #require(comparison.lines.first { $0.figure.hasPrefix("acknowledged") })
    #expect((rate.first, rate.second) == (200, 100))
    #expect((rate.median, rate.minimum, rate.maximum) == (2, 1, 3))
    #expect(rate.isBetter == true)
    let cpu = try #require(comparison.lines.first { $0.figure == "orderer's CPU (us/tx)" })
    #expect(cpu.isBetter == true && cpu.median == 0.5)
    #expect(comparison.text.contains("long streams:"))
  }

  @Test("Of files with several orderers, each is compared with itself")
  func severalOrderers() throws {
    let before = [Self.run("a", rate: 100), Self.run("b", rate: 400)]
    let after = [Self.run("a", rate: 200), Self.run("b", rate: 400)]
    let rates = try Comparison(after, before, names: ("after", "before")).lines
      .filter { $0.figure.hasPrefix("acknowledged") }
    #expect(rates.map(\.plan) == ["a: long streams", "b: long streams"])
    #expect(rates.map(\.median) == [2, 1])
  }

  @Test("Executables to be compared have different names, whatever their paths")
  func names() {
    typealias Contender = BenchmarkSession.Contender
    #expect(Contender.names(of: ["/a/b/orderer"]) == ["b/orderer"])
    #expect(
      Contender.names(of: ["this orderer", "/a/b/orderer"]) == ["this orderer", "b/orderer"])
    #expect(
      Contender.names(of: ["/x/A/release/orderer", "/x/B/release/orderer"])
        == ["A/release/orderer", "B/release/orderer"])
    #expect(
      Contender.names(of: ["release/orderer", "/B/release/orderer"])
        == ["release/orderer", "B/release/orderer"])
    #expect(
      Contender.names(of: ["/a/b/orderer", "/a/b/orderer"]) == ["b/orderer (1)", "b/orderer (2)"])
  }

  @Test("What was not measured alike is not compared")
  func unlike() {
    var plan = LoadPlan(name: "long streams")
    plan.size = 100
    #expect(throws: BenchmarkError.self) {
      try Comparison([Self.run()], [Self.run(plan: plan)], names: ("a", "b"))
    }
    #expect(throws: BenchmarkError.self) {
      try Comparison(
        [Self.run()], [Self.run(plan: LoadPlan(name: "other"))], names: ("a", "b"))
    }
  }

  @Test("Numbers have three digits that matter")
  func numbers() {
    let values = [0, 0.1234, 1.234, 12.34, 123.4, 1_234, 1_234_567, -1_234]
    #expect(
      values.map(FigureText.number) == [
        "0", "0.123", "1.23", "12.3", "123", "1,234", "1,234,567", "-1,234",
      ])
    #expect(FigureText.table([["a", "1"], ["bcd", "1,000"]]) == "a        1\nbcd  1,000")
  }

  @Test("The table has a line for each figure that was measured")
  func table() {
    var run = Self.run()
    run.limits = ["CPU: all"]
    run.refused = ["403": 2]
    run.reasons = ["status 403: no"]
    let text = ReportText.report(
      BenchmarkReport(machine: BenchmarkReport.Machine(cores: 2), runs: [run]))
    #expect(text.contains("acknowledged") && text.contains("1,000"))
    #expect(!text.contains("delivered after"))
    #expect(text.contains("ours: long streams: limited by CPU: all."))
    #expect(text.contains("2 with status 403") && text.contains("status 403: no"))
  }

  @Test("Plans out of bounds are refused with the option's name")
  func plans() {
    #expect(LoadPlan(name: "").problem == nil)
    for (change, option): ((inout LoadPlan) -> Void, String) in [
      ({ $0.streams = 0 }, "--streams"), ({ $0.rate = 0 }, "--rate"),
      ({ $0.seconds = .nan }, "--seconds"), ({ $0.size = 1 << 30 }, "--size"),
      ({ $0.messages = 10_000_000 }, "--messages"), ({ $0.window = 0 }, "--window"),
    ] {
      var plan = LoadPlan(name: "")
      change(&plan)
      #expect(plan.problem?.contains(option) == true)
    }
  }
}
