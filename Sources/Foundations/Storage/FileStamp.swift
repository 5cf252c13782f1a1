// Whether a file is another than before, without reading it.

import Foundation

/// What tells one state of a file from another: which file it is, how large, and when it was written last. A link counts
/// as the file that it leads to, so that a file replaced by another link is another one.
package struct FileStamp: Sendable, Hashable {
  private let device: UInt64
  private let number: UInt64
  private let size: Int64
  /// In nanoseconds; the system's clock may be coarser, by some milliseconds.
  private let written: Int64
  private let changed: Int64

  /// Nil if there is no such file, or it cannot be looked at.
  package init?(_ path: String) {
    var info = stat()
    guard stat(path, &info) == 0 else { return nil }
    device = UInt64(truncatingIfNeeded: info.st_dev)
    number = UInt64(truncatingIfNeeded: info.st_ino)
    size = Int64(info.st_size)
    written = Self.nanoseconds(info.st_mtim)
    changed = Self.nanoseconds(info.st_ctim)
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
