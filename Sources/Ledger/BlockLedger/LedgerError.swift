// What can go wrong with a block store, worded for the operator who has to act on it.

import FabricCrypto
import Foundation
import Storage

/// Why a ledger operation failed. ``description`` names the channel, the file and what to do.
package enum LedgerError: Error, Equatable, CustomStringConvertible {
  /// The block is not there: not written yet, or already dropped from a bounded history.
  case notFound(channel: String, number: UInt64, height: UInt64)
  /// An appended block is not the next one of the chain.
  case unexpectedNumber(channel: String, expected: UInt64, actual: UInt64)
  /// An appended block does not follow the last one.
  case unexpectedPreviousHash(channel: String, number: UInt64, expected: [UInt8], actual: [UInt8])
  /// An appended block's header does not match its data.
  case unexpectedDataHash(channel: String, number: UInt64)
  /// An appended block is larger than 1 GiB in its stored form.
  case tooLarge(channel: String, number: UInt64, bytes: Int)
  /// A file or folder failed. Nothing was added; ``mayPass`` says whether to try again.
  case storage(StorageError)
  /// Stored bytes are damaged. `offset` is where the block's record begins in `file`, in bytes.
  case corrupt(channel: String, file: String, offset: Int64, block: UInt64?, reason: String)
  /// The store stopped after a failure that leaves it unknown what is on the disk. Only a restart
  /// helps.
  case halted(channel: String, reason: String)
  /// The store or its factory was closed.
  case closed(channel: String)
  /// Another process, or another factory of this process, has the folder open.
  case locked(path: String)
  /// The LevelDB index failed. The block files are not affected.
  case index(path: String, reason: String)
  /// The name cannot be a channel's folder name.
  case invalidChannelName(String)
  /// The folder has something in it that an orderer's ledger cannot have.
  case unsupported(path: String, reason: String)

  package var description: String {
    switch self {
    case .notFound(let channel, let number, let height):
      "block \(number) of channel \(channel) is not available, the height is \(height)"
    case .unexpectedNumber(let channel, let expected, let actual):
      "channel \(channel): block number should have been \(expected) but was \(actual)"
    case .unexpectedPreviousHash(let channel, let number, let expected, let actual):
      "channel \(channel): the previous hash of block \(number) should have been "
        + "[\(hexadecimal(expected))] but was [\(hexadecimal(actual))]"
    case .unexpectedDataHash(let channel, let number):
      "channel \(channel): the data hash in the header of block \(number) is not that of its data"
    case .tooLarge(let channel, let number, let bytes):
      "channel \(channel): block \(number) of \(bytes) bytes is larger than the "
        + "\(BlockRecord.maximumSize) bytes that a block file holds; lower BatchSize of the channel"
    case .storage(let error): "\(error)" + remedy(error)
    case .corrupt(let channel, let file, let offset, let block, let reason):
      "channel \(channel): block file \(file) is damaged at offset \(offset)"
        + (block.map { " (block \($0))" } ?? "")
        + ": \(reason); restore the channel's folder from a backup or from another orderer"
    case .halted(let channel, let reason):
      "channel \(channel): the ledger halted and takes no more blocks until a restart: \(reason)"
    case .closed(let channel):
      "channel \(channel): the ledger is closed"
    case .locked(let path):
      "ledger folder \(path) is in use by another process: stop the other orderer or set "
        + "FileLedger.Location to a folder of its own"
    case .index(let path, let reason):
      "the block index \(path) failed: \(reason); the block files are not affected, if this persists "
        + "stop the orderer, remove the index folder and start again, the index will be rebuilt"
    case .invalidChannelName(let name):
      "\"\(name)\" cannot be the name of a channel's ledger"
    case .unsupported(let path, let reason):
      "\(path): \(reason)"
    }
  }
}

extension LedgerError {
  /// Whether the same append may succeed later: nothing was added, and the cause is one that an
  /// operator or time can remove (see ``StorageError/mayPass``).
  package var mayPass: Bool {
    switch self {
    case .storage(let error): error.mayPass
    case .index: true
    default: false
    }
  }
}

/// Does something that fails only if a file or folder does.
func onDisk<Value>(
  _ operation: @autoclosure () throws(StorageError) -> Value
) throws(LedgerError) -> Value {
  do { return try operation() } catch { throw .storage(error) }
}

extension BlockingPool {
  /// Runs `body`, which is about one channel, on one of the threads.
  ///
  /// - Throws: what `body` throws; ``LedgerError/closed(channel:)`` if the pool has shut down.
  func run<Value: Sendable>(
    _ channelID: String, _ body: @escaping @Sendable () throws(LedgerError) -> Value
  ) async throws(LedgerError) -> Value {
    try await run(orThrow: .closed(channel: channelID), body)
  }
}

/// What an operator can do about an error, to follow its text; empty if the text says it all.
private func remedy(_ error: StorageError) -> String {
  switch error {
  case .noSpace: ": free disk space or raise the quota of FileLedger.Location"
  case .io(_, _, EIO): "; look at the disk and the kernel's log"
  case .io(_, _, EROFS): "; mount the file system of FileLedger.Location for writing"
  case .io(_, _, EACCES), .io(_, _, EPERM):
    "; give the orderer's user the right to FileLedger.Location"
  case .io(_, _, EMFILE), .io(_, _, ENFILE):
    "; raise the limit of open files (LimitNOFILE, ulimit -n)"
  case .io, .unsynchronized, .tooLarge: ""
  }
}
