// What a process takes of the machine, from /proc.

import Foundation
import Storage

/// CPU time and memory of a process at one moment.
package struct ProcessUsage: Sendable, Equatable {
  /// Bytes that a file in /proc may have.
  private static let maximumFileSize = 64 << 10

  /// User and system time of all threads so far, in seconds.
  package let cpuSeconds: Double
  /// Resident memory in MB of 10^6 bytes.
  package let residentMegabytes: Double
  /// The most that it was.
  package let peakMegabytes: Double

  /// Of a process that runs.
  package init(pid: Int32) throws {
    func text(_ name: String) throws -> String {
      let bytes = try BoundedFile.read("/proc/\(pid)/\(name)", limit: Self.maximumFileSize)
      return String(decoding: bytes, as: UTF8.self)
    }
    try self.init(
      stat: try text("stat"), status: try text("status"),
      ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))))
  }

  /// From the texts of `/proc/PID/stat` and `/proc/PID/status` (proc(5)).
  init(stat: String, status: String, ticksPerSecond: Double) throws {
    // A program's name, in parentheses, may have anything in it.
    let fields =
      stat.split(separator: ")", omittingEmptySubsequences: false).last?
      .split(separator: " ") ?? []
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
      throw BenchmarkError("/proc/PID/stat cannot be read: \(stat.prefix(100))")
    }
    cpuSeconds = (user + system) / ticksPerSecond
    func megabytes(_ name: String) -> Double {
      let line = status.split(separator: "\n").first { $0.hasPrefix("\(name):") }
      let kibibytes = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
      return (kibibytes.flatMap { Double($0) } ?? 0) * 1024 / 1e6
    }
    residentMegabytes = megabytes("VmRSS")
    peakMegabytes = megabytes("VmHWM")
  }

  /// User and system time of this process so far, in seconds.
  static func ownCPUSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ value: timeval) -> Double { Double(value.tv_sec) + Double(value.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}

/// How busy the cores of this machine have been since it was started.
struct MachineUsage: Sendable, Equatable {
  /// The most of `/proc/stat` that is read, in bytes: a few lines for each core and each interrupt.
  private static let maximumFileSize = 4 << 20

  /// Seconds of all cores together that something ran.
  let busySeconds: Double

  init() throws {
    let bytes = try BoundedFile.read("/proc/stat", limit: Self.maximumFileSize)
    try self.init(
      stat: String(decoding: bytes, as: UTF8.self),
      ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))))
  }

  /// From the text of `/proc/stat` (proc(5)): user, nice, system, idle, waiting for disks, interrupts, stolen.
  init(stat: String, ticksPerSecond: Double) throws {
    let fields = stat.prefix { $0 != "\n" }.split(separator: " ").dropFirst().compactMap {
      Double($0)
    }
    guard fields.count >= 8 else {
      throw BenchmarkError("/proc/stat cannot be read: \(stat.prefix(100))")
    }
    busySeconds = (fields[0..<3].reduce(0, +) + fields[5..<8].reduce(0, +)) / ticksPerSecond
  }
}

/// How fast the disk is that an orderer writes its blocks to.
enum DiskProbe {
  private static let rounds = 21

  /// Milliseconds that it takes to append bytes to a new file in a folder and have them on the disk; the median.
  static func synchronizeMilliseconds(in folder: String, bytes: Int) throws -> Double {
    let path = "\(folder)/disk-probe"
    let file = try File(path, .replacing)
    defer { unlink(path) }
    let content = [UInt8](repeating: 7, count: bytes)
    var taken: [Double] = []
    let clock = ContinuousClock()
    for round in 0..<rounds {
      let began = clock.now
      try file.write(content, at: Int64(round * bytes))
      try file.synchronizeData()
      taken.append((clock.now - began).seconds * 1000)
    }
    return taken.sorted()[rounds / 2]
  }
}
