// Lays out what is to be appended to a segment: frames one behind the other, with their running checksum.

import RaftCore
import RaftWire

/// The frames of one write. The data of large entries stay where they are; all else is in one buffer.
struct FrameWriter {
  /// Entries with at least as many bytes of data are not copied.
  static let sharedSize = 16 << 10

  /// Where an entry's frame is, from the beginning of the first frame on.
  struct Place {
    let entry: Entry
    let offset: Int
    let frameSize: Int
    /// Of all records before.
    let crcBefore: UInt32
  }

  /// All but the data of large entries.
  private var bytes: [UInt8]
  /// Data of entries, each with the number of those of ``bytes`` that are in front of it.
  private var shared: [(position: Int, data: ArraySlice<UInt8>)] = []
  /// Bytes of all frames.
  private(set) var count = 0
  /// Of all records so far.
  private(set) var crc: UInt32
  private(set) var places: [Place] = []

  /// - Parameter memory: Empty; its capacity is used.
  init(crc: UInt32, memory: [UInt8] = []) {
    self.crc = crc
    bytes = memory
  }

  /// Makes room for the entries of all writes at once.
  mutating func reserve(for writes: [RaftStorage.Write]) {
    let entries = writes.lazy.flatMap(\.entries)
    bytes.reserveCapacity(
      entries.reduce(Self.overhead) {
        $0 + ($1.data.count < Self.sharedSize ? $1.wireSize : 0) + Self.overhead
      })
  }

  /// The most bytes that a frame has beside an entry, and more than a hard state's.
  private static let overhead = 64

  /// Appends an entry; its data are copied once, or not at all if they are many.
  mutating func append(_ entry: Entry) {
    var head: [UInt8] = []
    head.reserveCapacity(entry.wireHeadSize)
    entry.appendWireHead(to: &head)
    let before = crc
    let offset = count
    crc = CRC32C.update(CRC32C.update(crc, head[...]), entry.data)
    appendFrame(.entry, head[...], entry.data)
    places.append(
      Place(
        entry: entry, offset: offset, frameSize: count - offset, crcBefore: before))
  }

  mutating func append(_ state: HardState) { append(.hardState, state.wire()) }

  mutating func append(_ record: SnapshotRecord) { append(.snapshot, record.wire()) }

  /// Appends what every segment begins with. etcdraft's log has no metadata of its own.
  mutating func appendSegmentHead() {
    appendFrame(.checksum, [], [])
    append(.metadata, [])
  }

  private mutating func append(_ kind: LogRecord.Kind, _ data: [UInt8]) {
    crc = CRC32C.update(crc, data[...])
    appendFrame(kind, data[...], [])
  }

  private mutating func appendFrame(
    _ kind: LogRecord.Kind, _ first: ArraySlice<UInt8>, _ second: ArraySlice<UInt8>
  ) {
    let dataSize = first.count + second.count
    let head = FrameHead(recordSize: LogRecord.size(kind, crc: crc, dataSize: dataSize))
    head.append(to: &bytes)
    LogRecord.appendHead(kind, crc: crc, dataSize: dataSize, to: &bytes)
    bytes.append(contentsOf: first)
    if second.count < Self.sharedSize {
      bytes.append(contentsOf: second)
    } else {
      shared.append((bytes.count, second))
    }
    bytes.append(contentsOf: repeatElement(0, count: head.padding))
    count += head.frameSize
  }

  /// What is to be written, piece by piece.
  var pieces: [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var begin = 0
    for (position, data) in shared {
      pieces.append(bytes[begin..<position])
      pieces.append(data)
      begin = position
    }
    pieces.append(bytes[begin...])
    return pieces
  }

  /// Ends the use of the writer, and gives back its memory: the frames, if no entry is large.
  consuming func releaseMemory() -> [UInt8] { bytes }
}
