// Where the parts of a block in wire form lie, for those who want it without its data.

import FabricProtos
import NIOCore

/// The parts of a serialized `common.Block` as this room and Go's orderer lay it out: header, data and
/// metadata, each once and in this order.
struct WireForm {
  /// The header with its tag and length.
  let header: Range<Int>
  /// The content of the data.
  let data: Range<Int>
  /// The metadata with their tag and length.
  let metadata: Range<Int>

  /// Nil if the bytes have another layout.
  init?(_ bytes: UnsafeRawBufferPointer) {
    var index = 0
    func field(_ tag: UInt8) -> Range<Int>? {
      guard index < bytes.count, bytes[index] == tag else { return nil }
      index += 1
      guard let length = Varint.read(bytes, at: &index, end: bytes.count),
        length <= UInt64(bytes.count - index)
      else { return nil }
      let content = index..<(index + Int(length))
      index = content.upperBound
      return content
    }
    guard let header = field(0x0A), let data = field(0x12), let metadata = field(0x1A),
      index == bytes.count
    else { return nil }
    self.header = 0..<header.upperBound
    self.data = data
    self.metadata = data.upperBound..<metadata.upperBound
  }

  /// The one entry that the data have; nil if they have none or several.
  func soleEntry(_ bytes: UnsafeRawBufferPointer) -> Range<Int>? {
    var index = data.lowerBound
    guard index < data.upperBound, bytes[index] == 0x0A else { return nil }
    index += 1
    guard let length = Varint.read(bytes, at: &index, end: data.upperBound),
      length == UInt64(data.upperBound - index)
    else { return nil }
    return index..<data.upperBound
  }

  /// The block with empty data.
  func withoutData(_ bytes: UnsafeRawBufferPointer) -> ByteBuffer {
    var buffer = ByteBufferAllocator().buffer(capacity: header.count + 2 + metadata.count)
    buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[header]))
    buffer.writeBytes([0x12, 0] as [UInt8])
    buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[metadata]))
    return buffer
  }
}

extension BlockStore {
  /// As ``serializedBlocks(from:count:bytes:)``, with the data of blocks left out: readers who only
  /// follow the chain need just header and metadata. `bytes` counts whole blocks.
  ///
  /// - Parameter isWhole: Whether a block that holds only this entry stays whole. A block with any
  ///   other number of entries loses its data.
  package func blocksWithoutData(
    from number: UInt64, count: Int, bytes: Int, unless isWhole: ([UInt8]) -> Bool
  ) async throws(LedgerError) -> [ByteBuffer] {
    var forms = try await serializedBlocks(from: number, count: count, bytes: bytes)
    for index in forms.indices {
      let stripped: ByteBuffer?? = forms[index].withUnsafeReadableBytes { bytes in
        guard let form = WireForm(bytes) else { return nil }
        if let entry = form.soleEntry(bytes), isWhole(Array(bytes[entry])) { return .some(nil) }
        return form.withoutData(bytes)
      }
      guard let stripped else {
        throw .corrupt(
          channel: channelID, file: "in memory", offset: 0, block: number + UInt64(index),
          reason: "the block is not in wire form")
      }
      if let stripped { forms[index] = stripped }
    }
    return forms
  }
}
