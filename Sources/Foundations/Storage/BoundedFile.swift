// The one way to read a whole file into memory: never more of it than the reader allows.

import Foundation

/// Whole files of bounded size, such as certificates, keys and configurations.
package enum BoundedFile {
  /// Bytes requested at a time where the system does not tell the size.
  private static let step = 64 << 10

  /// All bytes of a file, which may be a pipe or one that the kernel makes up. Blocks the thread.
  ///
  /// - Parameter limit: The most bytes that the file may have.
  /// - Throws: ``StorageError/tooLarge(path:size:limit:)`` if it has more;
  ///   ``StorageError/io(path:operation:code:)`` if it cannot be opened or read, as a folder cannot.
  package static func read(_ path: String, limit: Int) throws(StorageError) -> [UInt8] {
    let file = try File(path, .reading)
    let size = Int(clamping: try file.size())
    guard size <= limit else { throw .tooLarge(path: path, size: size, limit: limit) }
    // Asking for one byte more shows whether the size is right.
    var bytes = try file.readNext(size > 0 ? size + 1 : min(step, limit + 1))
    var got = bytes.count
    while got > 0, bytes.count <= limit {
      let more = try file.readNext(min(max(step, bytes.count), limit + 1 - bytes.count))
      got = more.count
      bytes += more
    }
    guard bytes.count <= limit else {
      throw .tooLarge(path: path, size: bytes.count, limit: limit)
    }
    return bytes
  }
}
