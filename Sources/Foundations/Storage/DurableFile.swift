// Files that exist as a whole or not at all, whenever the machine stops.

import Foundation

/// Makes files of known content durable.
package enum DurableFile {
  /// Gives `path` the content `bytes`. The name leads to the old content until all of the new is on
  /// the disk.
  ///
  /// - Parameters:
  ///   - temporary: The name, in the same folder, under which the content is written first; a file of
  ///     that name is overwritten.
  ///   - mode: Of the new file, less the umask.
  package static func replace(
    _ path: String, with bytes: [UInt8], through temporary: String, mode: mode_t = 0o660
  ) throws(StorageError) {
    try write(bytes, to: temporary, mode: mode)
    try Folder.move(temporary, to: path)
  }

  /// Makes a file that need not be whole until this returns; a file of that name is overwritten.
  package static func create(_ path: String, with bytes: [UInt8]) throws(StorageError) {
    try write(bytes, to: path)
    try Folder.synchronize(Folder.parent(of: path))
  }

  /// Makes an empty file, or leaves the one that is there.
  package static func touch(_ path: String) throws(StorageError) {
    _ = try File(path, .creating)
    try Folder.synchronize(Folder.parent(of: path))
  }

  private static func write(
    _ bytes: [UInt8], to path: String, mode: mode_t = 0o660
  ) throws(StorageError) {
    let file = try File(path, .replacing, mode: mode)
    try file.write(bytes, at: 0)
    try file.synchronizeData()
  }
}
