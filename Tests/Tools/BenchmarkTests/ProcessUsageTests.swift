// What /proc says of a process.

import Foundation
import TestSupport
import Testing

@testable import Benchmark

struct ProcessUsageTests {
  @Test("CPU time and memory are read from the texts of proc(5)")
  func texts() throws {
    let usage = try ProcessUsage(
      stat: "42 (a ) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 250 150 0 0 20 0 9 0 77 1 2",
      status: "Name:\ta\nVmHWM:\t    2000 kB\nVmRSS:\t   1000 kB\n", ticksPerSecond: 100)
    #expect(usage.cpuSeconds == 4)
    #expect(usage.residentMegabytes == 1.024 && usage.peakMegabytes == 2.048)
  }

  @Test("A text that is none is refused", arguments: ["", "42", "42 (a)", "42 (a) S x"])
  func malformed(stat: String) {
    #expect(throws: BenchmarkError.self) {
      try ProcessUsage(stat: stat, status: "", ticksPerSecond: 100)
    }
  }

  @Test("The machine's cores are busy with all but idling and waiting for disks")
  func machine() throws {
    let usage = try MachineUsage(
      stat: "cpu  100 20 30 9000 800 6 7 8 0 0\ncpu0 1 2 3\n", ticksPerSecond: 100)
    #expect(usage.busySeconds == 1.71)
    #expect(throws: BenchmarkError.self) { try MachineUsage(stat: "cpu 1 2", ticksPerSecond: 100) }
    #expect(try MachineUsage().busySeconds > 0)
  }

  @Test("This process can be read, one that does not exist cannot")
  func processes() throws {
    #expect(try ProcessUsage(pid: getpid()).residentMegabytes > 1)
    #expect(ProcessUsage.ownCPUSeconds() > 0)
    #expect(throws: (any Error).self) { try ProcessUsage(pid: .max) }
  }

  @Test("The disk probe leaves nothing behind")
  func disk() throws {
    let folder = try TemporaryFolder()
    #expect(try DiskProbe.synchronizeMilliseconds(in: folder.path, bytes: 10_000) >= 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
  }
}
