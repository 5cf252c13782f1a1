// Finds out whether a block was written except for a part of its metadata, which no hash covers.

import FabricProtos

/// What a crash left out of a record's metadata.
///
/// Data that did not reach the disk reads as zeros: whole sectors of it, or all from some byte to the
/// end. A block without its signatures is of no use to anybody, so it must not be taken for one that is
/// safe. Nothing that orderers write has such zeros by itself.
enum MetadataHole {
  private static let sectorSize = 512
  /// Zeros that metadata does not have by itself: empty entries at its end make five.
  private static let telltaleSize = 16

  /// - Parameters:
  ///   - end: where the record ends in the file.
  ///   - wasSafe: The index knows the block, so its write was not cut short. Then a signature that
  ///     the probe cannot verify, e.g. over another hash, was not cut.
  static func isIn(
    _ record: BlockRecord, end: Int64, wasSafe: Bool = false, _ probe: any SignatureProbe
  ) -> Bool {
    let zeros = trailingZeros(record)
    return zeros >= telltaleSize || hasMissingSector(record, end: end)
      || (zeros > 0 && !wasSafe && hasCutSignature(record, zeros: zeros, probe))
  }

  private static func metadata(_ record: BlockRecord) -> Range<Int> {
    (record.data.last ?? record.previousHash).upperBound..<record.body.upperBound
  }

  private static func trailingZeros(_ record: BlockRecord) -> Int {
    record.bytes[metadata(record)].reversed().prefix { $0 == 0 }.count
  }

  private static func hasMissingSector(_ record: BlockRecord, end: Int64) -> Bool {
    let metadata = metadata(record)
    // Of each sector that reaches into the metadata, what lies within the record.
    var last = metadata.upperBound
    while last > metadata.lowerBound {
      let position = end - Int64(metadata.upperBound - last)
      let size = Int((position - 1) % Int64(sectorSize)) + 1
      let first = max(last - size, record.body.lowerBound)
      if last - max(first, metadata.lowerBound) >= telltaleSize,
        record.bytes[first..<last].allSatisfy({ $0 == 0 })
      {
        return true
      }
      last = first
    }
    return false
  }

  /// Whether the zeros at the end reach into the last signature and were not a part of it.
  private static func hasCutSignature(
    _ record: BlockRecord, zeros: Int, _ probe: any SignatureProbe
  ) -> Bool {
    let index = Common_BlockMetadataIndex.signatures.rawValue
    guard record.metadata.indices.contains(index),
      record.metadata[index].upperBound > record.body.upperBound - zeros
    else { return false }
    return probe.isLastSignatureCut(
      Array(record.bytes[record.metadata[index]]), of: record.header)
  }
}
