// The end of the log on the disk, for its one writer.

import RaftCore
import Storage

/// The newest segment, and what has to be known to go on in it.
struct LogTail {
  /// The fewest and the most bytes by which a segment's file grows ahead of what is written to it. Go makes
  /// it 64 MB at once.
  private static let smallestStep: Int64 = 1 << 20
  private static let largestStep: Int64 = 16 << 20
  /// A buffer with more bytes is not kept for the next write.
  private static let keptMemory = 256 << 10

  /// Why a write is not on the disk.
  enum Failure: Error {
    /// The file is as it was.
    case undone(StorageError)
    /// Nobody knows what is on the disk.
    case unknown(String)
  }

  private(set) var newest: Segment
  /// Segments before it that have entries which are still reachable.
  var older: [Segment]
  /// Where the next frame goes.
  private(set) var size: Int64
  /// Bytes of the file; those from ``size`` on are zeros.
  private var allocated: Int64
  /// Of all records so far.
  private(set) var crc: UInt32
  /// The newest hard state in the log.
  var written: HardState
  /// A newer one, which differs in nothing but the commit index.
  var pending: HardState?
  private var memory: [UInt8] = []

  init(
    newest: Segment, older: [Segment], size: Int64, crc: UInt32, written: HardState,
    pending: HardState?
  ) {
    self.newest = newest
    self.older = older
    self.size = size
    allocated = size
    self.crc = crc
    self.written = written
    self.pending = pending
  }

  /// For what is written next; give it to ``append(_:)``.
  mutating func writer() -> FrameWriter {
    defer { memory = [] }
    return FrameWriter(crc: crc, memory: memory)
  }

  /// Makes frames the durable end of the log.
  ///
  /// The first 8 bytes are written last. As long as they are zeros the log ends before them, so that a
  /// process that is killed between two calls leaves nothing that Go's orderer refuses to read.
  mutating func append(_ frames: consuming FrameWriter) throws(Failure) {
    let crc = frames.crc
    let count = Int64(frames.count)
    try grow(for: count)
    do throws(StorageError) { try write(frames.pieces) } catch {
      try takeBack(error)
      throw .undone(error)
    }
    var memory = frames.releaseMemory()
    keep(&memory)
    do { try newest.file.synchronizeData() } catch { throw .unknown("\(error)") }
    size += count
    self.crc = crc
  }

  private func write(_ pieces: [ArraySlice<UInt8>]) throws(StorageError) {
    // The first piece has the head of the first frame at least.
    guard let first = pieces.first else { return }
    var offset = size + Int64(FrameHead.size)
    for (position, piece) in pieces.enumerated() {
      let rest = position == 0 ? first.dropFirst(FrameHead.size) : piece
      try newest.file.write(rest, at: offset)
      offset += Int64(rest.count)
    }
    try newest.file.write(first.prefix(FrameHead.size), at: size)
  }

  private mutating func grow(for count: Int64) throws(Failure) {
    guard size + count > allocated else { return }
    let step = min(max(size, Self.smallestStep), Self.largestStep)
    do { try newest.file.truncate(to: size + max(count, step)) } catch { throw .undone(error) }
    allocated = size + max(count, step)
  }

  private mutating func takeBack(_ cause: StorageError) throws(Failure) {
    do { try newest.file.truncate(to: size) } catch {
      throw .unknown("\(cause); taking back what was written failed as well: \(error)")
    }
    allocated = size
  }

  private mutating func keep(_ bytes: inout [UInt8]) {
    guard bytes.capacity <= Self.keptMemory else { return }
    bytes.removeAll(keepingCapacity: true)
    swap(&memory, &bytes)
  }

  /// Cuts the newest segment to what is in it.
  mutating func trim() throws(Failure) {
    guard allocated > size else { return }
    do { try newest.file.truncate(to: size) } catch { throw .undone(error) }
    allocated = size
    do { try newest.file.synchronizeData() } catch { throw .unknown("\(error)") }
  }

  /// Goes on in the next segment, which has `size` bytes.
  mutating func moveOn(to next: Segment, size: Int64, crc: UInt32) {
    older.append(newest)
    newest = next
    self.size = size
    allocated = size
    self.crc = crc
  }
}
