// A LevelDB database behind Swift's error handling and life times.

import CLevelDB
import Foundation
import Storage
import Synchronization

/// A sorted key-value store in a folder, shared by all channels of a ledger.
///
/// `@unchecked Sendable`: LevelDB's database object may be used by any number of threads at once
/// (leveldb/db.h), except while it is closed. That is what the read-write lock is for: every use
/// holds it shared, ``close()`` and opening anew exclusively. The option objects are not written to after `init`.
final class LevelDB: @unchecked Sendable {
  /// Why LevelDB refused.
  struct Failure: Error {
    let message: String

    /// Whether the database's files are damaged, rather than the disk full or the folder not
    /// accessible. Decided by LevelDB's own prefix (`Status::ToString`), except for a table that
    /// has become shorter: LevelDB reads tables as memory, and only reports that the data asked for
    /// is not there.
    var isCorruption: Bool {
      message.hasPrefix("Corruption")
        || (message.hasPrefix("IO error: ")
          && message.hasSuffix(".ldb: \(StorageError.text(EINVAL))"))
    }
    /// Whether somebody else has the database open.
    var isLock: Bool { message.hasPrefix("IO error: lock ") }
  }

  /// Changes that are applied together or not at all.
  struct Batch {
    fileprivate var changes: [(key: [UInt8], value: [UInt8]?)] = []
    /// Keys and values, in bytes.
    private(set) var size = 0

    var isEmpty: Bool { changes.isEmpty }

    mutating func put(_ key: [UInt8], _ value: [UInt8]) {
      changes.append((key, value))
      size += key.count + value.count
    }

    mutating func delete(_ key: [UInt8]) {
      changes.append((key, nil))
      size += key.count
    }
  }

  /// Bytes that must be free before a database is opened anew.
  private static let roomToOpen = 256 << 10

  let path: String
  private enum State {
    case open(OpaquePointer)
    /// Opening it anew has failed.
    case lost
    /// Final.
    case closed

    /// Lets go of the database, if there is one.
    mutating func leave(for next: State) {
      if case .open(let database) = self { leveldb_close(database) }
      self = next
    }
  }

  /// Changed under the exclusive lock.
  private var state: State
  /// A write has failed since the database was opened.
  private let isBroken = Atomic<Bool>(false)
  private let readOptions: OpaquePointer
  private let writeOptions: OpaquePointer
  private let syncedWriteOptions: OpaquePointer
  private let lock: UnsafeMutablePointer<pthread_rwlock_t>

  /// Opens the database in the folder `path`, creating it if there is none.
  ///
  /// Checks are strict: damage that LevelDB could hide by forgetting entries is an error instead.
  init(path: String) throws(Failure) {
    let database = try Self.open(path)
    guard let readOptions = leveldb_readoptions_create(),
      let writeOptions = leveldb_writeoptions_create(),
      let syncedWriteOptions = leveldb_writeoptions_create()
    else { throw Failure(message: "out of memory") }
    leveldb_readoptions_set_verify_checksums(readOptions, 1)
    leveldb_writeoptions_set_sync(syncedWriteOptions, 1)
    self.path = path
    state = .open(database)
    self.readOptions = readOptions
    self.writeOptions = writeOptions
    self.syncedWriteOptions = syncedWriteOptions
    lock = .allocate(capacity: 1)
    pthread_rwlock_init(lock, nil)
  }

  private static func open(_ path: String) throws(Failure) -> OpaquePointer {
    guard let options = leveldb_options_create() else { throw Failure(message: "out of memory") }
    defer { leveldb_options_destroy(options) }
    leveldb_options_set_create_if_missing(options, 1)
    leveldb_options_set_paranoid_checks(options, 1)
    leveldb_options_set_max_open_files(options, 128)
    var message: UnsafeMutablePointer<CChar>?
    let database = leveldb_open(options, path, &message)
    if let failure = Self.failure(&message) { throw failure }
    guard let database else { throw Failure(message: "out of memory") }
    return database
  }

  /// Opens the database anew after a write has failed, e.g. because the disk was full.
  ///
  /// After some failures LevelDB refuses all writes; after others it goes on writing after a torn
  /// entry of its log, which it later takes for damage. When opened anew, it drops the torn entry
  /// and no other.
  private func reopen() throws(Failure) {
    pthread_rwlock_wrlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    if case .closed = state { return }
    guard isBroken.load(ordering: .acquiring) else { return }
    try checkRoom()
    state.leave(for: .lost)
    state = .open(try Self.open(path))
    isBroken.store(false, ordering: .releasing)
  }

  /// Opening takes room. If there is none, the database had better stay open for reading.
  private func checkRoom() throws(Failure) {
    let probe = "\(path)/probe"
    defer { unlink(probe) }
    do {
      let file = try File(probe, .replacing)
      try file.write([UInt8](repeating: 1, count: Self.roomToOpen), at: 0)
      try file.synchronizeData()
    } catch {
      if case .noSpace = error { throw Failure(message: "\(StorageError.text(ENOSPC)) (\(error))") }
      throw Failure(message: "\(error)")
    }
  }

  deinit {
    state.leave(for: .closed)
    leveldb_readoptions_destroy(readOptions)
    leveldb_writeoptions_destroy(writeOptions)
    leveldb_writeoptions_destroy(syncedWriteOptions)
    pthread_rwlock_destroy(lock)
    lock.deallocate()
  }

  /// Waits for the calls under way and closes the database. Later calls fail.
  func close() {
    pthread_rwlock_wrlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    state.leave(for: .closed)
  }

  func get(_ key: [UInt8]) throws(Failure) -> [UInt8]? {
    try withDatabase { database throws(Failure) in
      var message: UnsafeMutablePointer<CChar>?
      var count = 0
      let value = key.withChars { pointer, length in
        leveldb_get(database, readOptions, pointer, length, &count, &message)
      }
      if let failure = Self.failure(&message) { throw failure }
      guard let value else { return nil }
      defer { leveldb_free(value) }
      return [UInt8](UnsafeRawBufferPointer(start: value, count: count))
    }
  }

  /// Applies a batch; with `synchronized` it is on the disk when this returns.
  func write(_ batch: Batch, synchronized: Bool) throws(Failure) {
    guard !batch.isEmpty else { return }
    if isBroken.load(ordering: .acquiring) { try reopen() }
    try apply(batch, synchronized: synchronized)
  }

  /// Applies a batch that matters little: only if no write has failed before, since readers would
  /// have to wait while the database is opened anew.
  func writeIfSound(_ batch: Batch) throws(Failure) {
    guard !batch.isEmpty else { return }
    guard !isBroken.load(ordering: .acquiring) else {
      throw Failure(message: "a write has failed before")
    }
    try apply(batch, synchronized: false)
  }

  private func apply(_ batch: Batch, synchronized: Bool) throws(Failure) {
    try withDatabase { database throws(Failure) in
      guard let native = leveldb_writebatch_create() else {
        throw Failure(message: "out of memory")
      }
      defer { leveldb_writebatch_destroy(native) }
      for change in batch.changes {
        change.key.withChars { key, keyLength in
          if let value = change.value {
            value.withChars { value, valueLength in
              leveldb_writebatch_put(native, key, keyLength, value, valueLength)
            }
          } else {
            leveldb_writebatch_delete(native, key, keyLength)
          }
        }
      }
      var message: UnsafeMutablePointer<CChar>?
      leveldb_write(database, synchronized ? syncedWriteOptions : writeOptions, native, &message)
      if let failure = Self.failure(&message) {
        isBroken.store(true, ordering: .releasing)
        throw failure
      }
    }
  }

  /// Up to `limit` keys in order, from `start` on and below `end`.
  func keys(from start: [UInt8], below end: [UInt8], limit: Int) throws(Failure) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    try visit(from: start, below: end, limit: limit) { key, _ in keys.append(Array(key)) }
    return keys
  }

  /// Calls `body` with up to `limit` keys in order, from `start` on and below `end`, and their values.
  /// Both are valid for the time of the call.
  func visit(
    from start: [UInt8], below end: [UInt8], limit: Int,
    _ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
  ) throws(Failure) {
    try withDatabase { database throws(Failure) in
      guard let iterator = leveldb_create_iterator(database, readOptions) else {
        throw Failure(message: "out of memory")
      }
      defer { leveldb_iter_destroy(iterator) }
      var visited = 0
      start.withChars { pointer, length in leveldb_iter_seek(iterator, pointer, length) }
      while visited < limit, leveldb_iter_valid(iterator) != 0 {
        var keySize = 0
        var valueSize = 0
        guard let key = leveldb_iter_key(iterator, &keySize),
          case let keyBytes = UnsafeRawBufferPointer(start: key, count: keySize),
          keyBytes.lexicographicallyPrecedes(end)
        else { break }
        let value = leveldb_iter_value(iterator, &valueSize)
        body(keyBytes, UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueSize))
        visited += 1
        leveldb_iter_next(iterator)
      }
      var message: UnsafeMutablePointer<CChar>?
      leveldb_iter_get_error(iterator, &message)
      if let failure = Self.failure(&message) { throw failure }
    }
  }

  private func withDatabase<Value>(
    _ body: (OpaquePointer) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    pthread_rwlock_rdlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    switch state {
    case .open(let database): return try body(database)
    case .lost: throw Failure(message: "it could not be opened anew")
    case .closed: throw Failure(message: "the database is closed")
    }
  }

  /// Takes over and frees LevelDB's message.
  private static func failure(_ message: inout UnsafeMutablePointer<CChar>?) -> Failure? {
    guard let text = message else { return nil }
    defer { leveldb_free(text) }
    message = nil
    return Failure(message: String(cString: text))
  }
}

extension LedgerError {
  /// The error for what LevelDB reports about the database in `path`; as for files, a full disk and
  /// a lock are separate cases.
  static func index(_ path: String, _ failure: LevelDB.Failure) -> LedgerError {
    if failure.isLock { return .locked(path: path) }
    if failure.message.contains(StorageError.text(ENOSPC)) {
      return .storage(.noSpace(path: path, operation: "write to"))
    }
    return .index(path: path, reason: failure.message)
  }
}

extension [UInt8] {
  /// LevelDB's interface takes `char`, and a pointer that is not null even for no bytes.
  fileprivate func withChars<Value>(_ body: (UnsafePointer<CChar>, Int) -> Value) -> Value {
    withUnsafeBytes { raw in
      raw.withMemoryRebound(to: CChar.self) { chars in
        if let pointer = chars.baseAddress { return body(pointer, chars.count) }
        return withUnsafePointer(to: CChar(0)) { body($0, 0) }
      }
    }
  }
}
