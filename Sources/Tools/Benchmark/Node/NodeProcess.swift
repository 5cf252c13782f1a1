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

/// Ports of this machine.
enum FreePort {
  /// A TCP port that nobody listens on now.
  static func find() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw BenchmarkError("no socket: \(StorageError.text(errno))") }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isFound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    guard isFound else { throw BenchmarkError("no free port: \(StorageError.text(errno))") }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}
