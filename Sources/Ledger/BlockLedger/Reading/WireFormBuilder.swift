// Turns a record into the wire form of its block while it is read, with its checksum on the way.

import FabricProtos
import NIOCore

/// Some of a record's bytes, by their places in the record.
struct RecordWindow {
  let bytes: UnsafeRawBufferPointer
  /// Place of the first byte in the record, not counting the length in front of it.
  let start: Int

  var end: Int { start + bytes.count }

  /// Reads a number at `index` and moves `index` past it; nil if the window ends first, or there is
  /// no number.
  func varint(at index: inout Int) -> UInt64? {
    var next = index - start
    guard let value = Varint.read(bytes, at: &next, end: bytes.count) else { return nil }
    index = next + start
    return value
  }

  /// The place of a byte string that follows its length; moves `index` past it.
  func content(at index: inout Int) -> Range<Int>? {
    var next = index
    guard let length = varint(at: &next), length <= UInt64(max(0, end - next)) else { return nil }
    index = next + Int(length)
    return next..<index
  }
}

/// The wire form of one block while it is built.
///
/// The record goes through a small window that stays in the processor's cache: read, checked, copied.
/// It is for blocks whose fingerprint is known; what is unusual is left to ``BlockRecord``, which can
/// say what is wrong.
struct WireFormBuilder {
  enum Step: Equatable {
    /// The bytes from this place on are wanted next.
    case more(from: Int)
    case done
    /// Not a record, or not one that this can build.
    case unusual
  }

  private enum Part {
    case header
    case data
    case metadata
  }

  /// Room for the header in front of the data, whose size is known last.
  private static let headroom = 128

  /// Bytes of the record without the length in front of it.
  let size: Int
  private let memory: WireMemory
  private(set) var number: UInt64 = 0
  private(set) var checksum: UInt64 = 0

  private var lanes: ContentChecksum
  private var part = Part.header
  private var position = 0
  /// Entries of the part that have not begun, and bytes of the one that has.
  private var entriesLeft: UInt64 = 0
  private var bytesLeft = 0
  private var buffer = ByteBuffer()
  private var headerSize = 0
  /// Where the next byte of the wire form goes, and where the data ended.
  private var written = headroom
  private var dataEnd = 0
  private var metadataEnd = 0

  init(size: Int, memory: WireMemory) {
    self.size = size
    self.memory = memory
    lanes = ContentChecksum(size: size)
  }

  /// Takes what a window has.
  ///
  /// - Parameter window: Has the byte that was last asked for, and should have a good deal more
  ///   unless it has the record's end.
  mutating func take(_ window: RecordWindow) -> Step {
    if case .header = part {
      guard begin(window) else { return .unusual }
    }
    var step = Step.unusual
    var written = self.written
    var buffer = ByteBuffer()
    swap(&buffer, &self.buffer)
    buffer.withVeryUnsafeMutableBytes { target in
      var writer = WireWriter(target: target, at: written)
      step = build(window, &writer, room: target.count)
      written = writer.count
    }
    swap(&buffer, &self.buffer)
    self.written = written
    if step == .done { checksum = lanes.finish(window) }
    return step
  }

  /// Reads the header, which has to be in the first window, and gets the memory.
  private mutating func begin(_ window: RecordWindow) -> Bool {
    var index = 0
    guard window.start == 0, let number = window.varint(at: &index),
      let dataHash = window.content(at: &index), let previousHash = window.content(at: &index),
      let count = window.varint(at: &index), count <= UInt64(max(0, size - index))
    else { return false }
    headerSize =
      (number == 0 ? 0 : 1 + Varint.size(number))
      + (previousHash.isEmpty ? 0 : BlockRecord.fieldSize(previousHash.count))
      + (dataHash.isEmpty ? 0 : BlockRecord.fieldSize(dataHash.count))
    // Behind it come the tag and the size of the data.
    guard BlockRecord.fieldSize(headerSize) + 1 + Varint.maximumSize <= Self.headroom else {
      return false
    }
    buffer = memory.take(size + Int(count) + 2 * Self.headroom)
    buffer.withVeryUnsafeMutableBytes { target in
      var writer = WireWriter(target: target)
      writer.tag(0x0A, size: headerSize)
      if number != 0 { writer.number(0x08, number) }
      if !previousHash.isEmpty { writer.field(0x12, window.bytes, previousHash) }
      if !dataHash.isEmpty { writer.field(0x1A, window.bytes, dataHash) }
    }
    self.number = number
    position = index
    entriesLeft = count
    part = .data
    return true
  }

  private mutating func build(_ window: RecordWindow, _ writer: inout WireWriter, room: Int) -> Step
  {
    while true {
      if bytesLeft > 0 {
        let count = min(bytesLeft, window.end - position)
        guard count > 0 else { return wanting(window) }
        lanes.copy(position..<(position + count), of: window, to: writer.place(count))
        position += count
        bytesLeft -= count
      } else if entriesLeft > 0 {
        var index = position
        guard let length = window.varint(at: &index) else { return wanting(window) }
        guard length <= UInt64(size - index),
          Int(length) <= room - writer.count - 1 - Varint.maximumSize
        else { return .unusual }
        writer.tag(0x0A, size: Int(length))
        position = index
        bytesLeft = Int(length)
        entriesLeft -= 1
      } else if case .data = part {
        var index = position
        guard let count = window.varint(at: &index) else { return wanting(window) }
        guard count <= UInt64(size - index), room - writer.count > 1 + Varint.maximumSize else {
          return .unusual
        }
        dataEnd = writer.count
        // The rest is the entries with their lengths; each gets a tag.
        let rest = size - index + Int(count)
        writer.tag(0x1A, size: rest)
        metadataEnd = writer.count + rest
        position = index
        entriesLeft = count
        part = .metadata
      } else {
        // Lengths that are longer than they need be are written shorter.
        return position == size && writer.count == metadataEnd ? .done : .unusual
      }
    }
  }

  /// A window that has the end of the record, or a number in full length, had all that was wanted.
  private mutating func wanting(_ window: RecordWindow) -> Step {
    guard window.end < size, bytesLeft > 0 || window.end - position < Varint.maximumSize else {
      return .unusual
    }
    lanes.take(upTo: position, of: window)
    return .more(from: min(position, lanes.taken))
  }

  /// The wire form, once it is done; call nothing afterwards. It is moved out, since changing a
  /// shared buffer copies its bytes.
  mutating func finish() -> ByteBuffer {
    var buffer = ByteBuffer()
    swap(&buffer, &self.buffer)
    let dataSize = dataEnd - Self.headroom
    let headerSize = BlockRecord.fieldSize(headerSize)
    let start = Self.headroom - 1 - Varint.size(UInt64(dataSize)) - headerSize
    buffer.withVeryUnsafeMutableBytes { target in
      let header = UnsafeMutableRawBufferPointer(rebasing: target[start..<(start + headerSize)])
      header.copyMemory(from: UnsafeRawBufferPointer(rebasing: target[..<headerSize]))
      var writer = WireWriter(target: target, at: start + headerSize)
      writer.tag(0x12, size: dataSize)
    }
    buffer.moveWriterIndex(to: written)
    buffer.moveReaderIndex(to: start)
    return buffer
  }

  /// Gives back the memory of a wire form that will not be finished.
  mutating func abandon() {
    var buffer = ByteBuffer()
    swap(&buffer, &self.buffer)
    memory.give(buffer)
  }
}
