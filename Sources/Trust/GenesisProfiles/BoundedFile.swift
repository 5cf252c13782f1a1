// Reads small files into memory without trusting their size.

import Foundation

/// Why a file was not read.
struct UnreadableFile: Error, CustomStringConvertible {
  let description: String
}

enum BoundedFile {
  /// Bytes of a certificate file that are accepted; real ones have about 1 kB.
  static let certificateLimit = 1 << 18

  /// The file's bytes.
  static func read(_ path: String, limit: Int) throws(UnreadableFile) -> [UInt8] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw UnreadableFile(description: "there is no file \(path)")
    }
    guard !isDirectory.boolValue else {
      throw UnreadableFile(description: "\(path) is a folder, not a file")
    }
    let data: Data
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      data = try handle.read(upToCount: limit + 1) ?? Data()
    } catch {
      throw UnreadableFile(
        description: "\(path) cannot be read: \(error.localizedDescription)")
    }
    guard data.count <= limit else {
      throw UnreadableFile(description: "\(path) is larger than \(limit) bytes")
    }
    return Array(data)
  }
}
