// Files that exist as a whole or not at all, whenever the machine stops.

/// Makes files of known content durable.
package enum DurableFile {
  /// Gives `path` the content `bytes`. The name leads to the old content until all of the new is on
  /// the disk.
  ///
  /// - Parameter temporary: The name, in the same folder, under which the content is written first;
  ///   a file of that name is overwritten.
  package static func replace(
    _ path: String, with bytes: [UInt8], through temporary: String
  ) throws(StorageError) {
    try write(bytes, to: temporary)
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

  private static func write(_ bytes: [UInt8], to path: String) throws(StorageError) {
    let file = try File(path, .replacing)
    try file.write(bytes, at: 0)
    try file.synchronizeData()
  }
}
