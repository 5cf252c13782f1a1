// What a segment's file has to be able to do; tests have files that fail.

import Storage

/// The file of a segment.
protocol LogFile: Sendable {
  var path: String { get }
  func size() throws(StorageError) -> Int64
  func read(at offset: Int64, count: Int) throws(StorageError) -> [UInt8]
  func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws(StorageError)
  func truncate(to size: Int64) throws(StorageError)
  func synchronizeData() throws(StorageError)
  func lockRecords() throws(StorageError) -> Bool
}

extension File: LogFile {}

/// Opens the files of segments, which nobody but the orderer's user may read, as Go makes them.
typealias OpenLogFile = @Sendable (String, File.Use) throws(StorageError) -> any LogFile

let openLogFile: OpenLogFile = { path, use throws(StorageError) in
  try File(path, use, mode: 0o600)
}
