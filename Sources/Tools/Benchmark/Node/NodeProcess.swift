// The process of an orderer that a measurement starts, and its end.

import Concurrency
import Foundation
import Storage

/// A started orderer. Whoever starts one stops it.
final class NodeProcess: Sendable {
  /// How long a node may take to end before it is killed.
  private static let patience = Duration.seconds(20)
  /// What of a node's log is shown when it has failed, in bytes.
  private static let shownLog = 1_500

  let pid: Int32
  let log: String
  /// The status with which it has ended; nil while it runs.
  private let status: Watched<Int32?>
  private let time: any TimeSource

  /// - Parameters:
  ///   - executable: Takes Fabric's environment and orderer.yaml.
  ///   - folder: Has orderer.yaml, and gets the log.
  init(executable: String, folder: String, time: any TimeSource) throws {
    log = "\(folder)/orderer.log"
    self.time = time
    let status = Watched<Int32?>(nil)
    self.status = status
    guard FileManager.default.createFile(atPath: log, contents: nil),
      let output = FileHandle(forWritingAtPath: log)
    else { throw BenchmarkError("\(log) cannot be written") }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment
      .filter { !$0.key.hasPrefix("ORDERER_") && !$0.key.hasPrefix("FABRIC_") }
      .merging(["FABRIC_CFG_PATH": folder]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    process.terminationHandler = { ended in
      let code = ended.terminationStatus
      let isSignal = ended.terminationReason == .uncaughtSignal
      status.change { $0 = isSignal ? -code : code }
    }
    do { try process.run() } catch {
      throw BenchmarkError("\(executable) cannot be started: \(error.localizedDescription)")
    }
    pid = process.processIdentifier
  }

  /// - Throws: if it has ended, with the end of its log.
  func checkAlive() throws {
    guard let code = status.read({ $0 }) else { return }
    throw BenchmarkError("the orderer has ended with status \(code):\n\(logEnd)")
  }

  /// The last lines that it wrote.
  var logEnd: String {
    guard let file = try? File(log, .reading), let size = try? file.size() else { return "" }
    let start = max(0, size - Int64(Self.shownLog))
    let bytes = (try? file.read(at: start, count: Int(size - start))) ?? []
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Ends it in an orderly way, or by force if it does not heed that. Does not return before it has ended.
  func stop() async {
    // A cancelled task must not leave the node behind.
    await Task { [self] in
      kill(pid, SIGTERM)
      let ended: Int32? = await status.wait(until: time.now + Self.patience, on: time) { $0 }
      guard ended == nil else { return }
      kill(pid, SIGKILL)
      _ = await status.wait { $0 }
    }.value
  }
}
