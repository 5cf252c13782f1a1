// What to make of the place where the newest segment's records end: of an interrupted write, or of damage.

import FabricProtos
import RaftWire
import Storage

/// The end of the newest segment.
enum SegmentTail: Equatable, Sendable {
  /// The records end as they should. `leftover`: behind them are bytes of a write that was interrupted before
  /// its first 8 bytes were there.
  case clean(leftover: Bool)
  /// The last write is there in part. Nothing that was synchronized is behind the last whole record.
  case torn(reason: String)
  /// Something that was synchronized is lost.
  case damaged(reason: String)
}

/// Decides about the end of a segment.
///
/// A write that was interrupted by the end of the process is cut off, or its head is missing. One that was
/// interrupted by the end of the machine lacks any of its sectors. Both are taken back: nobody was told that
/// the write succeeded. Anything else is damage. So is what looks like an interrupted write, if behind it are
/// records of at least two writes, since each is synchronized before the next.
struct TailExamination {
  /// Bytes that are looked at at a time.
  private static let window = 1 << 20
  /// Zeros that are passed over at a time, a multiple of the frames' alignment.
  private static let stretch = 512

  let file: any LogFile
  let size: Int64

  func tail(at offset: Int64, _ end: SegmentEnd) throws(StorageError) -> SegmentTail {
    switch end {
    case .endOfFile: return .clean(leftover: false)
    case .zeroHead:
      guard try !isZero(from: offset) else { return .clean(leftover: false) }
      guard try !hasLaterWrites(behind: offset) else {
        return .damaged(reason: "there are zeros in place of a record, and records behind them")
      }
      return .clean(leftover: true)
    case .cutOff:
      guard try isBeginning(at: offset) else {
        return .damaged(reason: "there is something else in place of a record's beginning")
      }
      guard try !hasLaterWrites(behind: offset) else {
        return .damaged(
          reason: "a record seems longer than the file, but there are records behind its beginning")
      }
      return .torn(reason: "the file ends before the last record does")
    case .malformed(let reason, let hasZeroSector):
      guard hasZeroSector else { return .damaged(reason: reason) }
      guard try !hasLaterWrites(behind: offset) else {
        return .damaged(reason: "\(reason), and there are records behind it")
      }
      return .torn(reason: reason)
    }
  }

  /// Whether there is nothing but zeros from `offset` to the end of the file.
  func isZero(from offset: Int64) throws(StorageError) -> Bool {
    var offset = offset
    while offset < size {
      let bytes = try file.read(at: offset, count: Int(min(Int64(Self.window), size - offset)))
      guard !bytes.isEmpty else { break }
      guard bytes[...].isZero else { return false }
      offset += Int64(bytes.count)
    }
    return true
  }

  /// Whether what is left of the file can be the beginning of the frame whose head says that it is longer.
  private func isBeginning(at offset: Int64) throws(StorageError) -> Bool {
    let rest = try file.read(at: offset, count: Int(min(64, size - offset)))[...]
    guard rest.count > FrameHead.size, let frame = FrameHead(FrameHead.value(rest, at: 0)) else {
      // The head itself is cut off.
      return true
    }
    let body = rest.dropFirst(FrameHead.size)
    var beginning = RecordBeginning(body)
    return body.isZero || beginning.agrees(withSize: frame.recordSize)
  }

  /// Whether behind `offset` are records of a write, and then of another one.
  private func hasLaterWrites(behind offset: Int64) throws(StorageError) -> Bool {
    let rest = try file.read(at: offset, count: Int(size - offset))[...]
    var place = FrameHead.alignment
    var writeEnded = false
    while place < rest.count {
      guard !rest[place...].prefix(Self.stretch).isZero else {
        place += Self.stretch
        continue
      }
      guard var found = Self.record(rest, at: place) else {
        place += FrameHead.alignment
        continue
      }
      // The records from here on whose checksums continue one another.
      while true {
        switch found.record.kind {
        case .hardState: writeEnded = true
        case .snapshot where !writeEnded: writeEnded = true
        default: if writeEnded { return true }
        }
        place = found.end
        guard let next = Self.record(rest, at: place),
          next.record.crc == CRC32C.update(found.record.crc, next.record.data)
        else { break }
        found = next
      }
    }
    return false
  }

  /// The record whose frame begins at `place`, if there is one; its checksum is not looked at.
  private static func record(
    _ bytes: ArraySlice<UInt8>, at place: Int
  ) -> (record: LogRecord, end: Int)? {
    guard place + FrameHead.size < bytes.count,
      let frame = FrameHead(FrameHead.value(bytes, at: place)),
      place + frame.frameSize <= bytes.count
    else { return nil }
    let body = bytes[(place + FrameHead.size)..<(place + frame.frameSize)]
    guard let record = try? LogRecord(wire: body.prefix(frame.recordSize)), record.kind != nil,
      record.wireSize == frame.recordSize, body.suffix(frame.padding).isZero
    else { return nil }
    return (record, place + frame.frameSize)
  }
}

/// The first bytes of a record whose rest may be missing.
private struct RecordBeginning {
  private struct Ended: Error {}

  private let bytes: [UInt8]
  private var index = 0

  init(_ bytes: ArraySlice<UInt8>) { self.bytes = Array(bytes) }

  /// Whether a record of `size` bytes can begin like this, as far as the bytes go.
  mutating func agrees(withSize size: Int) -> Bool {
    do {
      guard try tag(0x08), UInt32(exactly: try number()).flatMap(LogRecord.Kind.init) != nil,
        try tag(0x10)
      else { return false }
      _ = try number()
      guard try tag(0x1A) else { return false }
      let dataSize = try number()
      return dataSize <= UInt64(size) && index + Int(dataSize) == size
    } catch {
      return true
    }
  }

  private mutating func tag(_ expected: UInt8) throws(Ended) -> Bool {
    guard index < bytes.count else { throw Ended() }
    defer { index += 1 }
    return bytes[index] == expected
  }

  private mutating func number() throws(Ended) -> UInt64 {
    guard let value = Varint.read(bytes, at: &index, end: bytes.count) else { throw Ended() }
    return value
  }
}
