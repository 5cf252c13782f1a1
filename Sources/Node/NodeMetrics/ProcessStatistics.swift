// What the kernel knows about this process, for the metrics that Go's Prometheus client adds.

import Foundation
import MetricDescriptions
import Storage

/// Numbers about a process; nil where the kernel does not tell.
package struct ProcessStatistics {
  var cpuSeconds: Double?
  var startTime: Double?
  var residentBytes: Double?
  var virtualBytes: Double?
  var virtualBytesLimit: Double?
  var openDescriptors: Double?
  var descriptorLimit: Double?
  var networkBytesReceived: Double?
  var networkBytesSent: Double?

  /// The numbers as metrics, for Prometheus under the names of Go's client.
  var metrics: [(description: MetricDescription, value: Double)] {
    let values = [
      cpuSeconds, descriptorLimit, networkBytesReceived, networkBytesSent, openDescriptors,
      residentBytes, startTime, virtualBytes, virtualBytesLimit,
    ]
    return zip(Self.descriptions, values).compactMap { description, value in
      value.map { (description, $0) }
    }
  }

  /// What ``metrics`` can have, in its order.
  package static let descriptions = [
    description("cpu_seconds_total", "Processor time in seconds.", kind: .counter),
    description("max_fds", "The limit of open file descriptors."),
    description(
      "network_receive_bytes_total", "Bytes that arrived in the process's network namespace.",
      kind: .counter),
    description(
      "network_transmit_bytes_total", "Bytes that were sent in the process's network namespace.",
      kind: .counter),
    description("open_fds", "Open file descriptors."),
    description("resident_memory_bytes", "Memory that is in RAM, in bytes."),
    description(
      "start_time_seconds", "When the process was started, in seconds since 1970."),
    description("virtual_memory_bytes", "Virtual memory in bytes."),
    description(
      "virtual_memory_max_bytes",
      "The limit of virtual memory in bytes; about 1.8e19 if there is none."),
  ]

  /// Statsd has these numbers under other names; see ``StatsdReport``.
  private static func description(
    _ name: String, _ help: String, kind: MetricDescription.Kind = .gauge
  ) -> MetricDescription {
    MetricDescription(name: "process_" + name, kind: kind, help: help, statsdFormat: nil)
  }

  /// This process now.
  static func current() -> ProcessStatistics {
    var statistics = ProcessStatistics(
      stat: read("/proc/self/stat"), systemStat: read("/proc/stat", limit: 1 << 20),
      netstat: read("/proc/self/net/netstat"), ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))),
      pageSize: Double(sysconf(Int32(_SC_PAGESIZE))))
    statistics.openDescriptors =
      (try? FileManager.default.contentsOfDirectory(
        atPath: "/proc/self/fd")).map { Double($0.count) }
    statistics.descriptorLimit = limit(RLIMIT_NOFILE)
    statistics.virtualBytesLimit = limit(RLIMIT_AS)
    return statistics
  }

  /// - Parameters:
  ///   - stat: `/proc/PID/stat`, see proc(5).
  ///   - systemStat: `/proc/stat`, which has the time of the machine's start.
  ///   - netstat: `/proc/PID/net/netstat`: lines of names, each followed by one of values.
  init(
    stat: String, systemStat: String, netstat: String, ticksPerSecond: Double, pageSize: Double
  ) {
    // The name of the program, in parentheses, may contain anything.
    let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
    func field(_ number: Int) -> Double? {
      // Field 3 of proc(5) is the first after the name.
      fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil
    }
    if let user = field(14), let system = field(15), ticksPerSecond > 0 {
      cpuSeconds = (user + system) / ticksPerSecond
    }
    virtualBytes = field(23)
    residentBytes = field(24).map { $0 * pageSize }
    let bootLine = systemStat.split(separator: "\n").first { $0.hasPrefix("btime ") }
    if let boot = bootLine.flatMap({ Double($0.dropFirst("btime ".count)) }),
      let start = field(22), ticksPerSecond > 0
    {
      startTime = boot + start / ticksPerSecond
    }
    let rows = netstat.split(separator: "\n").filter { $0.hasPrefix("IpExt:") }
    if rows.count >= 2 {
      let row = Dictionary(
        zip(rows[0].split(separator: " "), rows[1].split(separator: " ")),
        uniquingKeysWith: { first, _ in first })
      networkBytesReceived = row["InOctets"].flatMap { Double($0) }
      networkBytesSent = row["OutOctets"].flatMap { Double($0) }
    }
  }

  /// Nothing known.
  init() {}

  /// A small file of the kernel's; empty if it cannot be read or is larger than expected.
  package static func read(_ path: String, limit: Int = 64 << 10) -> String {
    String(decoding: (try? BoundedFile.read(path, limit: limit)) ?? [], as: UTF8.self)
  }

  private static func limit(_ resource: __rlimit_resource) -> Double? {
    var limit = rlimit()
    return getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0
      ? Double(limit.rlim_cur) : nil
  }
}
