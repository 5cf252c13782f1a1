// What can go wrong with files and folders, and whether it may pass.

import Foundation

/// Why a file operation failed. ``description`` names the file; what an operator can do about it depends
/// on whose file it is, so the owner adds that.
package enum StorageError: Error, Equatable, CustomStringConvertible {
  /// The disk is full or a quota is used up. The operation may be tried again.
  case noSpace(path: String, operation: String)
  /// A file operation failed; `code` is the errno.
  case io(path: String, operation: String, code: Int32)
  /// fsync failed; `code` is the errno. What was written may be lost although the system would
  /// report success next time.
  case unsynchronized(path: String, code: Int32)
  /// The file has more than the `limit` bytes that its reader allows: `size` bytes, as far as the
  /// system tells before all of it is read.
  case tooLarge(path: String, size: Int, limit: Int)

  package var description: String {
    switch self {
    case .noSpace(let path, let operation):
      "no space left to \(operation) \(path)"
    case .io(let path, let operation, let code):
      "could not \(operation) \(path): \(Self.text(code)) (errno \(code))"
    case .unsynchronized(let path, let code):
      "could not synchronize \(path) to the disk: \(Self.text(code)) (errno \(code)); what was "
        + "written may be lost, look at the disk and the kernel's log, then restart the orderer"
    case .tooLarge(let path, _, let limit):
      "\(path) is larger than \(limit) bytes"
    }
  }

  /// What is wrong, without the path, e.g. "No such file or directory".
  package var reason: String {
    switch self {
    case .noSpace: Self.text(ENOSPC)
    case .io(_, _, let code), .unsynchronized(_, let code): Self.text(code)
    case .tooLarge(_, _, let limit): "it is larger than \(limit) bytes"
    }
  }

  /// Whether the same operation may succeed later: it had no effect, and the cause is one that an
  /// operator or time can remove (no room, a read-only file system, a disk that does not answer).
  ///
  /// A failed fsync is not among them: the kernel may have dropped the data, and would report success the
  /// next time.
  package var mayPass: Bool {
    switch self {
    case .noSpace, .io: true
    case .unsynchronized, .tooLarge: false
    }
  }

  /// The error for an errno; a full disk is a case of its own.
  package static func system(_ path: String, _ operation: String, _ code: Int32) -> StorageError {
    code == ENOSPC || code == EDQUOT
      ? .noSpace(path: path, operation: operation)
      : .io(path: path, operation: operation, code: code)
  }

  /// The system's text for an errno.
  package static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
