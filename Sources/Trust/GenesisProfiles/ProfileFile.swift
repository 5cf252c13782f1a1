// The files that a profile consists of or names, and why one of them is not read.

import Foundation
import Storage

/// Why a file was not read.
struct UnreadableFile: Error, CustomStringConvertible {
  let description: String
}

enum ProfileFile {
  /// Bytes of a certificate file that are accepted; real ones have about 1 kB.
  static let certificateLimit = 1 << 18

  /// The file's bytes.
  static func read(_ path: String, limit: Int) throws(UnreadableFile) -> [UInt8] {
    do {
      return try BoundedFile.read(path, limit: limit)
    } catch {
      switch error {
      case .io(_, _, ENOENT), .io(_, _, ENOTDIR):
        throw UnreadableFile(description: "there is no file \(path)")
      case .io(_, _, EISDIR):
        throw UnreadableFile(description: "\(path) is a folder, not a file")
      case .tooLarge:
        throw UnreadableFile(description: "\(path) is larger than \(limit) bytes")
      default:
        throw UnreadableFile(description: "\(path) cannot be read: \(error.reason)")
      }
    }
  }
}
