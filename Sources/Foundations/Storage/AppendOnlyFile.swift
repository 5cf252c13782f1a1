// A file that only grows, such as a block file or a log: appended bytes are durable or not there.

/// The end of a file, for its one writer.
///
/// The size is checked before and after every write: nobody else may write to the file, and nothing
/// is ever overwritten.
package struct AppendOnlyFile: Sendable {
  /// Why bytes were not appended.
  package enum Failure: Error, Equatable {
    /// The file is as it was. The cause says whether to try again.
    case undone(StorageError)
    /// Part of the bytes may be in the file, since removing them failed too.
    case leftover(StorageError, takingBack: StorageError)
    /// The bytes may or may not be on the disk, and a second attempt would succeed without proving anything:
    /// after a failed sync the kernel may have dropped the data and marked them as clean.
    case unsynchronized(StorageError)
    /// The file does not have the size that this writer gave it.
    case foreign(expected: Int64, actual: Int64)
  }

  private let file: File
  /// Where the next bytes go.
  package private(set) var size: Int64

  package var path: String { file.path }

  /// - Parameter size: What the file should have by now, in bytes.
  package init(_ file: File, size: Int64) {
    self.file = file
    self.size = size
  }

  /// Makes `bytes` the durable end of the file. After any failure but ``Failure/undone(_:)``
  /// nothing more may be appended. Blocks the thread.
  package mutating func append(_ bytes: [UInt8]) throws(Failure) {
    try check(size) { .undone($0) }
    do { try file.write(bytes, at: size) } catch {
      do { try file.truncate(to: size) } catch let second {
        throw .leftover(error, takingBack: second)
      }
      throw .undone(error)
    }
    do { try file.synchronizeData() } catch {
      // Nobody has seen the bytes yet: try to remove them.
      try? file.truncate(to: size)
      throw .unsynchronized(error)
    }
    try check(size + Int64(bytes.count)) { .unsynchronized($0) }
    size += Int64(bytes.count)
  }

  private func check(
    _ expected: Int64, orThrow failure: (StorageError) -> Failure
  ) throws(Failure) {
    let actual: Int64
    do { actual = try file.size() } catch { throw failure(error) }
    guard actual == expected else { throw .foreign(expected: expected, actual: actual) }
  }
}
