// Changes to folders and to the names in them that survive a power failure.

import Foundation

/// Folders, and whole files.
package enum Folder {
  /// What a name in a folder stands for.
  package enum Kind: Sendable {
    case file
    case folder

    fileprivate func matches(_ mode: mode_t) -> Bool {
      mode & S_IFMT == (self == .file ? S_IFREG : S_IFDIR)
    }
  }

  /// Forces the entries of a folder to the disk: without this a new file may be gone after a power
  /// failure although its content was synchronized.
  package static func synchronize(_ path: String) throws(StorageError) {
    try File(path, .folder).synchronizeAll()
  }

  /// Creates a folder and those above it that are missing, and makes the new entry durable.
  package static func create(_ path: String, mode: mode_t = 0o755) throws(StorageError) {
    if exists(path, kind: .folder) { return }
    let parent = parent(of: path)
    if !exists(parent) { try create(parent, mode: mode) }
    guard mkdir(path, mode) == 0 || errno == EEXIST else { throw .system(path, "create", errno) }
    guard exists(path, kind: .folder) else { throw .system(path, "create", ENOTDIR) }
    try synchronize(parent)
  }

  /// Names in a folder, sorted, without `.` and `..`, of the given kind. A symbolic link is of neither
  /// kind, as for Go's orderer.
  package static func names(_ path: String, kind: Kind) throws(StorageError) -> [String] {
    guard let folder = opendir(path) else { throw .system(path, "list", errno) }
    defer { closedir(folder) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(folder) else { break }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    guard errno == 0 else { throw .system(path, "list", errno) }
    return names.filter { name in
      var info = stat()
      return lstat("\(path)/\(name)", &info) == 0 && kind.matches(info.st_mode)
    }.sorted()
  }

  /// Whether something of that name exists, following symbolic links.
  package static func exists(_ path: String, kind: Kind? = nil) -> Bool {
    var info = stat()
    guard stat(path, &info) == 0 else { return false }
    return kind?.matches(info.st_mode) ?? true
  }

  /// Renames a file or folder and makes that durable; whatever had the new name is replaced.
  package static func move(_ source: String, to target: String) throws(StorageError) {
    guard rename(source, target) == 0 else { throw .system(source, "rename", errno) }
    try synchronize(parent(of: target))
  }

  /// Deletes a file or a folder with all that is in it. No error if it is not there.
  package static func remove(_ path: String) throws(StorageError) {
    var info = stat()
    guard lstat(path, &info) == 0 else {
      if errno == ENOENT { return }
      throw .system(path, "remove", errno)
    }
    do { try FileManager.default.removeItem(atPath: path) } catch {
      throw .io(path: path, operation: "remove (\(error.localizedDescription))", code: EIO)
    }
  }

  package static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
