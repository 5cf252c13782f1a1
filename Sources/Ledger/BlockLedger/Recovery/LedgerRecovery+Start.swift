// Where recovery begins: behind the last block that the index knows, if it is where the index says.

extension LedgerRecovery {
  /// The end of the last block that the index knows and the files have.
  func anchor(_ candidate: UInt64?, files count: Int) throws(LedgerError) -> Position? {
    // An index without the first block was lost and begun anew in the middle.
    guard let candidate, try location(0) != nil else { return nil }
    if let position = try behind(candidate, files: count) { return position }
    // The files may have been cut: find the last block that begins within them. Later blocks are
    // lost, and the last ones that begin there may be damaged too.
    var low: UInt64 = 0
    var high = candidate
    while low < high {
      let middle = high - (high - low) / 2
      if let place = try location(middle), place.file < count,
        place.offset < (try onDisk(files.file(place.file).size()))
      {
        low = middle
      } else {
        high = middle - 1
      }
    }
    var step: UInt64 = 0
    while step <= low, step <= Self.maximumStep {
      if let position = try behind(low - step, files: count) { return position }
      step = max(1, step * 2)
    }
    return nil
  }

  /// The position after block `number`, if it is where the index says and whole.
  private func behind(_ number: UInt64, files count: Int) throws(LedgerError) -> Position? {
    guard let place = try location(number), place.file < count, number < UInt64.max else {
      return nil
    }
    let file = try onDisk(files.file(place.file))
    var reader = RecordReader(file: file, size: try onDisk(file.size()), window: 1 << 16)
    guard case .record(let record, let end) = try onDisk(reader.read(at: place.offset)),
      record.number == number, record.hasValidDataHash,
      !MetadataHole.isIn(record, end: end, wasSafe: true, signatures)
    else { return nil }
    return Position(
      file: place.file, offset: end, number: number + 1, previousHash: record.headerHash)
  }
}
