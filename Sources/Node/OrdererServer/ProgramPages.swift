// Lets go of pages of the program that only the start needed.

import Foundation
import Storage

/// The pages of the program and its libraries that count as this process's memory.
///
/// The start runs through code, and tables of the runtime, that serving does not need; together they are the
/// largest part of an idle node's memory. The kernel has these pages from files: what is let go of and then needed
/// after all comes back with a page fault, and as a rule without a read.
enum ProgramPages {
  /// Part of the process's address space.
  struct Mapping: Equatable {
    let begin: UInt
    let count: Int
  }

  /// Bytes of `/proc/self/smaps` that are looked at.
  private static let maximumText = 1 << 20

  /// Lets go of all that can be read from a file again.
  static func letGo() {
    guard let text = try? BoundedFile.read("/proc/self/smaps", limit: maximumText) else { return }
    for mapping in mappings(in: text) {
      madvise(UnsafeMutableRawPointer(bitPattern: mapping.begin), mapping.count, MADV_DONTNEED)
    }
  }

  /// The mappings of code, according to the kernel's text (`proc_pid_smaps(5)`), of which the process has changed no
  /// page: only those are as the file has them.
  static func mappings(in text: [UInt8]) -> [Mapping] {
    var found: [Mapping] = []
    var candidate: Mapping?
    // Of the candidate, how many of the fields that tell of changed pages were seen, and were zero.
    var unchanged = 0
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
      guard let name = fields.first else { continue }
      if name.last != UInt8(ascii: ":") {
        candidate = code(fields)
        unchanged = 0
      } else if let mapping = candidate, changeFields.contains(where: { name.elementsEqual($0) }) {
        if fields.count > 1, fields[1].elementsEqual("0".utf8) { unchanged += 1 }
        if unchanged == changeFields.count {
          found.append(mapping)
          candidate = nil
        }
      }
    }
    return found
  }

  private static let changeFields = ["Shared_Dirty:", "Private_Dirty:", "Anonymous:"].map {
    Array($0.utf8)
  }

  /// The mapping of a first line, if it is one of code in a file.
  private static func code(_ fields: [ArraySlice<UInt8>]) -> Mapping? {
    guard fields.count == 6, fields[1].elementsEqual("r-xp".utf8),
      fields[5].drop(while: { $0 == UInt8(ascii: " ") }).first == UInt8(ascii: "/")
    else { return nil }
    let ends = fields[0].split(separator: UInt8(ascii: "-")).map {
      UInt(String(decoding: $0, as: UTF8.self), radix: 16)
    }
    guard ends.count == 2, let begin = ends[0], let end = ends[1], begin > 0, begin < end,
      let count = Int(exactly: end - begin)
    else { return nil }
    return Mapping(begin: begin, count: count)
  }
}
