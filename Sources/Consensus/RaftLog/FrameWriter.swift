// Lays out what is to be appended to a segment: frames one behind the other, with their running checksum.

import RaftCore
import RaftWire

/// The frames of one write, in one buffer.
struct FrameWriter {
  /// Where an entry's frame is, from the beginning of the buffer on.
  struct Place {
    let entry: Entry
    let offset: Int
    let frameSize: Int
    /// Of all records before.
    let crcBefore: UInt32
  }

  private(set) var bytes: [UInt8]
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
    bytes.reserveCapacity(entries.reduce(Self.overhead) { $0 + $1.wireSize + Self.overhead })
  }

  /// The most bytes that a frame has beside an entry, and more than a hard state's.
  private static let overhead = 64

  /// Appends an entry; its data are copied to where they are written from, and nowhere else.
  mutating func append(_ entry: Entry) {
    var head: [UInt8] = []
    head.reserveCapacity(entry.wireHeadSize)
    entry.appendWireHead(to: &head)
    let before = crc
    let offset = bytes.count
    crc = CRC32C.update(CRC32C.update(crc, head[...]), entry.data)
    appendFrame(.entry, head[...], entry.data)
    places.append(
      Place(
        entry: entry, offset: offset, frameSize: bytes.count - offset, crcBefore: before))
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
    bytes.append(contentsOf: second)
    bytes.append(contentsOf: repeatElement(0, count: head.padding))
  }

  /// Ends the use of the writer.
  consuming func releaseMemory() -> [UInt8] { bytes }
}
