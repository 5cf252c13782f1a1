// A file with thin wrappers of the POSIX calls, which retry interrupted calls, loop over partial
// ones, and turn errno into errors that name the file.

import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An open file descriptor, closed when the last user lets go of it.
package final class File: Sendable {
  /// What a file is opened for.
  package enum Use: Sendable {
    case reading
    /// Reading and writing an existing file.
    case updating
    /// Reading and writing a file that is made if missing.
    case creating
    /// Writing a file anew; its old content is gone.
    case replacing
    /// A folder, to lock or synchronize it.
    case folder

    fileprivate var flags: Int32 {
      switch self {
      case .reading: O_RDONLY
      case .updating: O_RDWR
      case .creating: O_RDWR | O_CREAT
      case .replacing: O_RDWR | O_CREAT | O_TRUNC
      case .folder: O_RDONLY | O_DIRECTORY
      }
    }
  }

  package let path: String
  private let descriptor: Int32
  private let isLocked = Atomic(false)

  /// Opens `path`.
  ///
  /// - Parameter mode: What a file that this creates gets, less the umask; by default what Go's orderer gives
  ///   its ledger's: read and write for owner and group.
  package init(_ path: String, _ use: Use, mode: mode_t = 0o660) throws(StorageError) {
    let descriptor = retrying { open(path, use.flags | O_CLOEXEC, mode) }
    guard descriptor >= 0 else { throw .system(path, "open", errno) }
    self.path = path
    self.descriptor = descriptor
  }

  deinit {
    // Closing is not enough: a child process that is being started has a copy of the descriptor, and with it
    // the lock, until its program begins.
    if isLocked.load(ordering: .relaxed) {
      flock(descriptor, LOCK_UN)
      _ = setRecordLock(F_UNLCK)
    }
    close(descriptor)
  }

  package func size() throws(StorageError) -> Int64 {
    var info = stat()
    guard retrying({ fstat(descriptor, &info) }) == 0 else {
      throw .system(path, "read the size of", errno)
    }
    return Int64(info.st_size)
  }

  /// Up to `count` bytes from `offset`; fewer only at the end of the file.
  package func read(at offset: Int64, count: Int) throws(StorageError) -> [UInt8] {
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
  package func read(
    at offset: Int64, count: Int, into bytes: inout [UInt8], position: Int
  ) throws(StorageError) -> Int {
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

  /// Up to `count` bytes from where the last such read ended, e.g. of a pipe; none only at the end.
  func readNext(_ count: Int) throws(StorageError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      let got = retrying { systemRead(descriptor, buffer.baseAddress, count) }
      if got < 0 { failure = errno }
      filled = max(0, got)
    }
    guard failure == 0 else { throw .system(path, "read", failure) }
    return bytes
  }

  /// Reads those of the bytes from `offset` on that the kernel has in memory into the beginning of
  /// `target`, without waiting for the disk.
  ///
  /// - Returns: how many bytes were read without a gap; 0 also where the system cannot do this.
  package func readCached(at offset: Int64, into target: UnsafeMutableRawBufferPointer) -> Int {
    guard let preadv2, let base = target.baseAddress else { return 0 }
    var vector = iovec(iov_base: base, iov_len: target.count)
    return max(0, preadv2(descriptor, &vector, 1, off_t(offset), doNotWait))
  }

  /// Writes all of `bytes` at `offset`. On an error some of them may have been written.
  package func write(_ bytes: [UInt8], at offset: Int64) throws(StorageError) {
    try write(bytes[...], at: offset)
  }

  /// The same for a part of some bytes.
  package func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws(StorageError) {
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
  package func truncate(to size: Int64) throws(StorageError) {
    guard retrying({ ftruncate(descriptor, off_t(size)) }) == 0 else {
      throw .system(path, "truncate", errno)
    }
  }

  /// Forces data, and the size if it changed, to the disk.
  package func synchronizeData() throws(StorageError) {
    guard retrying({ fdatasync(descriptor) }) == 0 else {
      throw .unsynchronized(path: path, code: errno)
    }
  }

  /// Forces everything to the disk, as folders need it.
  func synchronizeAll() throws(StorageError) {
    guard retrying({ fsync(descriptor) }) == 0 else {
      throw .unsynchronized(path: path, code: errno)
    }
  }

  /// Takes the exclusive flock(2) without waiting. It lasts until the file is closed.
  ///
  /// - Returns: false if somebody else has it.
  package func lock() throws(StorageError) -> Bool {
    isLocked.store(true, ordering: .relaxed)
    if retrying({ flock(descriptor, LOCK_EX | LOCK_NB) }) == 0 { return true }
    if errno == EWOULDBLOCK { return false }
    throw .system(path, "lock", errno)
  }

  /// Takes the record lock for writing on the whole file without waiting, as etcd does (`F_OFD_SETLK`). It
  /// lasts until the file is closed, which must be open for writing.
  ///
  /// - Returns: false if somebody else has it, another descriptor of this process included.
  package func lockRecords() throws(StorageError) -> Bool {
    isLocked.store(true, ordering: .relaxed)
    if setRecordLock(F_WRLCK) == 0 { return true }
    if errno == EWOULDBLOCK || errno == EACCES { return false }
    throw .system(path, "lock", errno)
  }

  private func setRecordLock(_ type: Int32) -> Int32 {
    var lock = flock()
    lock.l_type = Int16(type)
    lock.l_whence = Int16(SEEK_SET)
    return retrying { fcntl(descriptor, setOwnedLock, &lock) }
  }
}

/// `F_OFD_SETLK`, which the C library keeps from programs that do not ask for its extensions.
private let setOwnedLock: Int32 = 37

/// read(2), whose name the methods of ``File`` hide.
private func systemRead(_ descriptor: Int32, _ target: UnsafeMutableRawPointer?, _ count: Int)
  -> Int
{
  read(descriptor, target, count)
}

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
