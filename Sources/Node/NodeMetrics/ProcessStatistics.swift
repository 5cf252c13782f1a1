// What the kernel knows of this process, for the metrics that Go's Prometheus client adds.

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

  /// The numbers as metrics.
  var metrics: [(description: MetricDescription, value: Double)] {
    let values = [
      "process_cpu_seconds_total": cpuSeconds,
      "process_max_fds": descriptorLimit,
      "process_network_receive_bytes_total": networkBytesReceived,
      "process_network_transmit_bytes_total": networkBytesSent,
      "process_open_fds": openDescriptors,
      "process_resident_memory_bytes": residentBytes,
      "process_start_time_seconds": startTime,
      "process_virtual_memory_bytes": virtualBytes,
      "process_virtual_memory_max_bytes": virtualBytesLimit,
    ]
    return MetricCatalogue.process.compactMap { description in
      (values[description.name] ?? nil).map { (description, $0) }
    }
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
