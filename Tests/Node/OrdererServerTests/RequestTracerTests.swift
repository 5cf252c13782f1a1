// Requests in files.

import Concurrency
import FabricLogging
import Foundation
import GoText
import Logging
import Synchronization
import Testing

@testable import OrdererServer

/// Keeps what is logged.
final class KeptLines: LogSink {
  private let kept = Mutex<[UInt8]>([])

  func write(_ bytes: [UInt8]) { kept.withLock { $0 += bytes } }

  var text: String { String(decoding: kept.withLock { $0 }, as: UTF8.self) }
}

@Suite struct RequestTracerTests {
  private let lines = KeptLines()
  private let logging: FabricLogging

  init() {
    logging = FabricLogging(sink: lines)
  }

  private func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = NSTemporaryDirectory() + "traces-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  private func tracer(_ folder: String, _ method: String = "Broadcast") throws -> RequestTracer {
    let now: @Sendable () -> UnixTime = { UnixTime(seconds: 1_795_380_710, nanoseconds: 5) }
    return try #require(
      RequestTracer(
        directory: folder, method: method, time: ManualTime(), now: now,
        logger: logging.logger("test")))
  }

  private var warnings: Int {
    logging.flush(timeout: .seconds(3600))
    return lines.text.components(separatedBy: "TraceDir").count - 1
  }

  @Test func everyRequestIsWrittenAsItCame() async throws {
    try await withFolder { folder in
      let tracer = try tracer(folder, "Deliver")
      let requests = (0..<50).map { [UInt8](repeating: UInt8($0), count: $0 * 100) }
      tracer.trace(Array(requests[..<20]))
      tracer.trace(Array(requests[20...]))
      await tracer.finish()
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      let found = try names.map {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")))
      }
      #expect(Set(found) == Set(requests))
      #expect(names.count == 50)
      #expect(
        Set(names) == Set((1...50).map { "1795380710000000005_0x\(String($0, radix: 16)).Deliver" })
      )
      #expect(warnings == 0)
    }
  }

  @Test func withoutAFolderThereAreNoTraces() {
    #expect(
      RequestTracer(
        directory: "", method: "Broadcast", time: ManualTime(), logger: logging.logger("test"))
        == nil)
  }

  @Test func aMissingFolderIsToldOnceAndIsNotMade() async throws {
    try await withFolder { folder in
      let missing = folder + "/missing"
      let tracer = try tracer(missing)
      for _ in 0..<100 { tracer.trace([[1], [2]]) }
      await tracer.finish()
      #expect(!FileManager.default.fileExists(atPath: missing))
      #expect(warnings == 1)
      #expect(lines.text.contains("No such file or directory"))
      #expect(lines.text.contains("Debug.BroadcastTraceDir"))
    }
  }

  @Test func whatTheDiskDoesNotTakeInTimeIsLeftOut() async throws {
    try await withFolder { folder in
      let tracer = try tracer(folder)
      let count = RequestTracer.maximumWaiting
      tracer.trace([[UInt8]](repeating: [1], count: 2 * count))
      await tracer.finish()
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == count)
      #expect(warnings == 1)
      #expect(lines.text.contains("\(count) request(s) of Broadcast are not in"))
    }
  }

  @Test func aSingleRequestMayBeLargerThanWhatMayWait() async throws {
    try await withFolder { folder in
      let tracer = try tracer(folder)
      tracer.trace([[UInt8](repeating: 7, count: RequestTracer.maximumWaitingBytes + 1), [1]])
      await tracer.finish()
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
    }
  }
}
