// Thin wrappers of the POSIX calls that the ledger needs, which retry what is interrupted, loop over
// what is partial, and turn errno into errors that name the file.

import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An open file descriptor, closed when the last user lets go of it.
final class File: Sendable {
  let path: String
  let descriptor: Int32

  /// Opens `path` with the flags of open(2). A file that this creates gets the mode that Go's
  /// orderer gives it: read and write for owner and group, less the umask.
  init(_ path: String, flags: Int32) throws(LedgerError) {
    let descriptor = retrying { open(path, flags | O_CLOEXEC, 0o660) }
    guard descriptor >= 0 else { throw .system(path, "open", errno) }
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  func size() throws(LedgerError) -> Int64 {
    var info = stat()
    guard retrying({ fstat(descriptor, &info) }) == 0 else {
      throw .system(path, "read the size of", errno)
    }
    return Int64(info.st_size)
  }

  /// Up to `count` bytes from `offset`; fewer only at the end of the file.
  func read(at offset: Int64, count: Int) throws(LedgerError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      (filled, failure) = read(at: offset, into: UnsafeMutableRawBufferPointer(buffer))
    }
    guard failure == 0 else { throw .system(path, "read", failure) }
    return bytes
  }

  /// Reads `count` bytes from `offset` to `position` of `bytes`, which grow if they are too few; what
  /// is before `position` stays.
  ///
  /// - Returns: how many were read; fewer only at the end of the file.
  func read(
    at offset: Int64, count: Int, into bytes: inout [UInt8], position: Int
  ) throws(LedgerError) -> Int {
    var outcome: (filled: Int, failure: Int32) = (0, 0)
    if bytes.count < position + count {
      let old = bytes
      bytes = [UInt8](unsafeUninitializedCapacity: position + count) { buffer, initialized in
        let target = UnsafeMutableRawBufferPointer(buffer)
        old.withUnsafeBytes { target.copyMemory(from: .init(rebasing: $0[..<position])) }
        outcome = read(
          at: offset, into: UnsafeMutableRawBufferPointer(rebasing: target[position...]))
        initialized = position + outcome.filled
      }
    } else {
      outcome = bytes.withUnsafeMutableBytes { target in
        read(
          at: offset,
          into: UnsafeMutableRawBufferPointer(rebasing: target[position..<(position + count)]))
      }
    }
    guard outcome.failure == 0 else { throw .system(path, "read", outcome.failure) }
    return outcome.filled
  }

  private func read(
    at offset: Int64, into target: UnsafeMutableRawBufferPointer
  ) -> (filled: Int, failure: Int32) {
    var filled = 0
    while filled < target.count {
      let got = retrying {
        pread(
          descriptor, target.baseAddress.map { $0 + filled }, target.count - filled,
          off_t(offset) + off_t(filled))
      }
      if got < 0 { return (filled, errno) }
      if got == 0 { break }
      filled += got
    }
    return (filled, 0)
  }

  /// Reads to the beginning of `target` what the kernel has in memory of the bytes from `offset` on,
  /// without waiting for the disk.
  ///
  /// - Returns: how many bytes were read without a gap; 0 also where the system cannot do this.
  func readCached(at offset: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
    guard let preadv2, let base = target.baseAddress else { return 0 }
    var vector = iovec(iov_base: base, iov_len: target.count)
    return max(0, preadv2(descriptor, &vector, 1, off_t(offset), doNotWait))
  }

  /// Writes all of `bytes` at `offset`. On an error some of them may have been written.
  func write(_ bytes: [UInt8], at offset: Int64) throws(LedgerError) {
    var done = 0
    while done < bytes.count {
      let wrote = bytes.withUnsafeBytes { source in
        retrying {
          pwrite(
            descriptor, source.baseAddress.map { $0 + done }, source.count - done,
            off_t(offset) + off_t(done))
        }
      }
      guard wrote >= 0 else { throw .system(path, "write to", errno) }
      // pwrite of more than nothing does not return 0 on a regular file; if it does, do not spin.
      guard wrote > 0 else { throw .system(path, "write to", EIO) }
      done += wrote
    }
  }

  /// Cuts the file to `size` bytes.
  func truncate(to size: Int64) throws(LedgerError) {
    guard retrying({ ftruncate(descriptor, off_t(size)) }) == 0 else {
      throw .system(path, "truncate", errno)
    }
  }

  /// Forces data, and the size if it changed, to the disk.
  func synchronizeData() throws(LedgerError) {
    guard retrying({ fdatasync(descriptor) }) == 0 else {
      throw .unsynchronized(path: path, code: errno)
    }
  }

  /// Takes the exclusive flock(2) without waiting. It lasts until the descriptor is closed.
  ///
  /// - Returns: false if somebody else has it.
  func lock() throws(LedgerError) -> Bool {
    if retrying({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 { return true }
    if errno == EWOULDBLOCK { return false }
    throw .system(path, "lock", errno)
  }
}

/// What is done to folders and whole files.
enum Folder {
  /// Forces the entries of a folder to the disk: without this a new file may be gone after a power
  /// failure although its content was synchronized.
  static func synchronize(_ path: String) throws(LedgerError) {
    let folder = try File(path, flags: O_RDONLY | O_DIRECTORY)
    guard retrying({ fsync(folder.descriptor) }) == 0 else {
      throw .unsynchronized(path: path, code: errno)
    }
  }

  /// Creates a folder and those above it that are missing, and makes the new entry durable.
  static func create(_ path: String, mode: mode_t = 0o755) throws(LedgerError) {
    if exists(path, kind: S_IFDIR) { return }
    let parent = parent(of: path)
    if !exists(parent) { try create(parent, mode: mode) }
    guard mkdir(path, mode) == 0 || errno == EEXIST else { throw .system(path, "create", errno) }
    guard exists(path, kind: S_IFDIR) else { throw .system(path, "create", ENOTDIR) }
    try synchronize(parent)
  }

  /// Names in a folder, sorted, without `.` and `..`, of the given kind (`S_IFDIR`, `S_IFREG`). A
  /// symbolic link is neither, as for Go's orderer.
  static func names(_ path: String, kind: mode_t) throws(LedgerError) -> [String] {
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
      return lstat("\(path)/\(name)", &info) == 0 && info.st_mode & S_IFMT == kind
    }.sorted()
  }

  static func exists(_ path: String, kind: mode_t? = nil) -> Bool {
    var info = stat()
    guard stat(path, &info) == 0 else { return false }
    return kind.map { info.st_mode & S_IFMT == $0 } ?? true
  }

  static func move(_ source: String, to target: String) throws(LedgerError) {
    guard rename(source, target) == 0 else { throw .system(source, "rename", errno) }
    try synchronize(parent(of: target))
  }

  /// Deletes a file or a folder with all that is in it. No error if it is not there.
  static func remove(_ path: String) throws(LedgerError) {
    var info = stat()
    guard lstat(path, &info) == 0 else {
      if errno == ENOENT { return }
      throw .system(path, "remove", errno)
    }
    do { try FileManager.default.removeItem(atPath: path) } catch {
      throw .io(path: path, operation: "remove (\(error.localizedDescription))", code: EIO)
    }
  }

  static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

extension LedgerError {
  /// The error for an errno; a full disk is a case of its own.
  static func system(_ path: String, _ operation: String, _ code: Int32) -> LedgerError {
    code == ENOSPC || code == EDQUOT
      ? .noSpace(path: path, operation: operation)
      : .io(path: path, operation: operation, code: code)
  }
}

/// The system's text for an errno.
func errorText(_ code: Int32) -> String { String(cString: strerror(code)) }

/// Repeats a call that a signal interrupted.
private func retrying<Value: SignedInteger>(_ call: () -> Value) -> Value {
  while true {
    let result = call()
    if result != -1 || errno != EINTR { return result }
  }
}

private typealias VectorRead =
  @convention(c) (Int32, UnsafePointer<iovec>?, Int32, off_t, Int32) -> Int

/// preadv2(2), which the C library keeps from programs that do not ask for its extensions; nil if it
/// has none.
private let preadv2 = dlsym(nil, "preadv2").map { unsafeBitCast($0, to: VectorRead.self) }

/// `RWF_NOWAIT`.
private let doNotWait: Int32 = 8
