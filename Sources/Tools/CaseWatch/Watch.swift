// Tells which cases were under way when the process died or a case did not end.

import Foundation

/// Where the workers of a fuzzer are: a case's number for each, and when it began.
///
/// Plain memory that is never freed, since a signal handler may do next to nothing: it reads the
/// numbers and writes them out.
package enum Watch {
  package static let maximumWorkers = 64
  /// A case that takes longer than this many seconds counts as a hang.
  package static let limit = 60

  // Each worker writes its own slot. A reader may see a number that is one case old, which only
  // costs whoever looks for the case a detour.
  nonisolated(unsafe) private static let cases: UnsafeMutablePointer<UInt64> = {
    let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: maximumWorkers)
    memory.initialize(repeating: .max, count: maximumWorkers)
    return memory
  }()
  nonisolated(unsafe) private static let starts: UnsafeMutablePointer<Int> = {
    let memory = UnsafeMutablePointer<Int>.allocate(capacity: maximumWorkers)
    memory.initialize(repeating: 0, count: maximumWorkers)
    return memory
  }()
  /// What a case is called; set once, before there are workers.
  nonisolated(unsafe) private static var name: StaticString = "case"

  /// Notes the case that a worker begins; nil means that it has none.
  package static func note(worker: Int, _ number: UInt64?) {
    cases[worker] = number ?? .max
    starts[worker] = time(nil)
  }

  /// The cases that take too long.
  package static func hanging() -> [UInt64] {
    let now = time(nil)
    return (0..<maximumWorkers).filter { cases[$0] != .max && now - starts[$0] > limit }
      .map { cases[$0] }
  }

  /// Makes a crash name the cases that were under way.
  package static func install(naming name: StaticString) {
    self.name = name
    _ = (cases, starts)
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE] {
      signal(number) { number in
        for worker in 0..<Watch.maximumWorkers where Watch.cases[worker] != .max {
          Watch.write(Watch.cases[worker])
        }
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }

  private static func write(_ text: StaticString) {
    _ = Foundation.write(2, text.utf8Start, text.utf8CodeUnitCount)
  }

  private static func write(_ number: UInt64) {
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { buffer in
      var rest = number
      var position = buffer.count - 1
      buffer[position] = UInt8(ascii: "\n")
      repeat {
        position -= 1
        buffer[position] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      } while rest > 0
      write("crashed; under way was ")
      write(name)
      write(" ")
      _ = Foundation.write(2, buffer.baseAddress?.advanced(by: position), buffer.count - position)
    }
  }
}
