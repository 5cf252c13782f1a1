// Reads the frames of one segment, in order, and tells where and why they end.

import Foundation
import RaftWire
import Storage

/// A record as it was found in a segment.
package struct StoredRecord: Sendable {
  /// Where its frame begins in the segment, in bytes.
  package let offset: Int64
  /// Bytes of the frame.
  package let frameSize: Int
  package let record: LogRecord
  /// The checksum of all records before this one.
  package let crcBefore: UInt32

  package var end: Int64 { offset + Int64(frameSize) }
}

/// Why no further record could be read.
enum SegmentEnd: Equatable, Sendable {
  /// The file ends where the last record does.
  case endOfFile
  /// Where a frame should begin there are 8 zero bytes.
  case zeroHead
  /// The file ends before the frame does.
  case cutOff
  /// The frame is there, but is not what was written. `hasZeroSector`: a part of it that lies in one sector
  /// of the disk is all zeros, as if it had never been written.
  case malformed(reason: String, hasZeroSector: Bool)
}

/// Walks over one segment through a window. The window's memory is given up to the records that are slices
/// of it.
struct SegmentReader {
  /// Bytes that are read at a time.
  private static let window = 1 << 20
  /// A write of the disk is all there or not at all in pieces of this size (etcd: `minSectorSize`).
  private static let sector: Int64 = 512

  enum Outcome {
    case record(StoredRecord)
    case end(SegmentEnd)
  }

  private let file: any LogFile
  /// Bytes of the file that may be looked at.
  let size: Int64
  /// Where the next frame begins.
  private(set) var offset: Int64 = 0
  /// Of all records so far; 0 also before the first of all.
  private(set) var crc: UInt32
  private var bytes: ArraySlice<UInt8> = []
  /// Where ``bytes`` begin in the file.
  private var start: Int64 = 0

  /// - Parameter crc: of the records of the segments before; 0 if they are not known.
  init(_ file: any LogFile, size: Int64, crc: UInt32) {
    self.file = file
    self.size = size
    self.crc = crc
  }

  /// Reads the next record, or tells why there is none; ``offset`` stays then.
  mutating func next() throws(StorageError) -> Outcome {
    guard offset < size else { return .end(.endOfFile) }
    let remaining = size - offset
    guard remaining >= Int64(FrameHead.size) else { return .end(.cutOff) }
    let head = try slice(offset, FrameHead.size)
    let value = FrameHead.value(head, at: head.startIndex)
    guard value != 0 else { return .end(.zeroHead) }
    guard let frame = FrameHead(value) else {
      return .end(.malformed(reason: "no record has such a size", hasZeroSector: false))
    }
    guard Int64(frame.frameSize) <= remaining else { return .end(.cutOff) }
    let content = try slice(offset, frame.frameSize)
    let body = content[(content.startIndex + FrameHead.size)...]
    let record: LogRecord
    do { record = try LogRecord(wire: body.prefix(frame.recordSize)) } catch {
      return .end(malformed("\(error)", body))
    }
    if let reason = fault(in: record) { return .end(malformed(reason, body)) }
    let stored = StoredRecord(
      offset: offset, frameSize: frame.frameSize, record: record, crcBefore: crc)
    crc = record.crc
    offset = stored.end
    return .record(stored)
  }

  /// What is wrong with a record that could be read.
  private func fault(in record: LogRecord) -> String? {
    switch record.kind {
    case nil: return "there is no record of kind \(record.rawKind)"
    case .checksum:
      // What comes before the first segment that is read is not known.
      return crc == 0 || record.crc == crc
        ? nil : "the checksum of the segments before is not that of what is in them"
    default:
      return CRC32C.update(crc, record.data) == record.crc
        ? nil : "the record's checksum is not that of its data"
    }
  }

  private func malformed(_ reason: String, _ body: ArraySlice<UInt8>) -> SegmentEnd {
    .malformed(
      reason: reason, hasZeroSector: Self.hasZeroSector(body, at: offset + Int64(FrameHead.size)))
  }

  /// Whether one of the pieces into which the sectors of the disk divide the bytes is all zeros (etcd:
  /// `isTornEntry`).
  private static func hasZeroSector(_ body: ArraySlice<UInt8>, at offset: Int64) -> Bool {
    var rest = body
    var offset = offset
    while !rest.isEmpty {
      let piece = rest.prefix(Int(sector - offset % sector))
      if piece.isZero { return true }
      rest = rest.dropFirst(piece.count)
      offset += Int64(piece.count)
    }
    return false
  }

  /// `count` bytes from `offset`, which the file must have.
  private mutating func slice(_ offset: Int64, _ count: Int) throws(StorageError)
    -> ArraySlice<UInt8>
  {
    if offset < start || offset + Int64(count) > start + Int64(bytes.count) {
      bytes = []
      let wanted = max(count, Int(min(Int64(Self.window), size - offset)))
      bytes = try file.read(at: offset, count: wanted)[...]
      start = offset
      // Somebody truncated the file meanwhile.
      guard bytes.count >= count else {
        throw .io(path: file.path, operation: "read", code: EIO)
      }
    }
    let begin = bytes.startIndex + Int(offset - start)
    return bytes[begin..<(begin + count)]
  }
}
