// Tells which cases were under way when the process died or a case did not end.

import Foundation

/// Where the workers are: an episode's number for each, and when it began.
///
/// Plain memory that is never freed, since a signal handler may do next to nothing: it reads the
/// numbers and writes them out.
enum Watch {
  static let maximumWorkers = 64
  /// An episode that takes longer than this many seconds counts as a hang.
  static let limit = 60

  // Each worker writes its own slot. A reader may see a number that is one episode old, which only
  // costs whoever looks for the case a detour.
  nonisolated(unsafe) private static let episodes: UnsafeMutablePointer<UInt64> = {
    let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: maximumWorkers)
    memory.initialize(repeating: .max, count: maximumWorkers)
    return memory
  }()
  nonisolated(unsafe) private static let starts: UnsafeMutablePointer<Int> = {
    let memory = UnsafeMutablePointer<Int>.allocate(capacity: maximumWorkers)
    memory.initialize(repeating: 0, count: maximumWorkers)
    return memory
  }()

  /// Notes the episode that a worker begins; nil means that it has none.
  static func note(worker: Int, _ episode: UInt64?) {
    episodes[worker] = episode ?? .max
    starts[worker] = time(nil)
  }

  /// The episodes that take too long.
  static func hanging() -> [UInt64] {
    let now = time(nil)
    return (0..<maximumWorkers).filter { episodes[$0] != .max && now - starts[$0] > limit }
      .map { episodes[$0] }
  }

  /// Makes a crash name the episodes that were under way.
  static func install() {
    _ = (episodes, starts)
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE] {
      signal(number) { number in
        for worker in 0..<Watch.maximumWorkers where Watch.episodes[worker] != .max {
          Watch.write(Watch.episodes[worker])
        }
        signal(number, SIG_DFL)
        raise(number)
      }
    }
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
      let text: StaticString = "crashed; under way was episode "
      _ = Foundation.write(2, text.utf8Start, text.utf8CodeUnitCount)
      _ = Foundation.write(2, buffer.baseAddress?.advanced(by: position), buffer.count - position)
    }
  }
}
