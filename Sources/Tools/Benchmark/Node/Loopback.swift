// Sockets of this machine alone.

import Foundation
import Storage

/// A port of 127.0.0.1, as system calls take it.
struct LoopbackAddress {
  private var address = sockaddr_in()

  /// - Parameter port: 0 for one that the system chooses.
  init(port: Int) {
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  }

  var port: Int { Int(UInt16(bigEndian: address.sin_port)) }

  /// Makes a system call with the address and its size, which the call may change.
  mutating func with<Value>(
    _ call: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Value
  ) -> Value {
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &size) }
    }
  }
}

/// Ports of this machine.
enum FreePort {
  /// Different TCP ports that nobody listens on now.
  static func find(_ count: Int) throws -> [Int] {
    // All are held until the last is found: the system may give a port that was given back again.
    var descriptors: [Int32] = []
    defer { for descriptor in descriptors { close(descriptor) } }
    return try (0..<count).map { _ in
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      guard descriptor >= 0 else { throw BenchmarkError("no socket: \(StorageError.text(errno))") }
      descriptors.append(descriptor)
      var address = LoopbackAddress(port: 0)
      let isFound = address.with {
        bind(descriptor, $0, $1) == 0 && getsockname(descriptor, $0, &$1) == 0
      }
      guard isFound else { throw BenchmarkError("no free port: \(StorageError.text(errno))") }
      return address.port
    }
  }
}
