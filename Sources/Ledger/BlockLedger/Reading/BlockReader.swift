// Serves the blocks of one channel: from memory, or from its files.

import FabricProtos
import NIOCore
import Storage

/// What readers of a ``FileBlockStore`` go through.
///
/// A block is served from memory if it is new or was just read. Otherwise it is read from its file:
/// on the caller's thread if the kernel has it in memory and only a checksum is to be computed, else
/// on threads that may wait for a disk.
final class BlockReader: Sendable {
  /// Bytes that are read in one go when several blocks are wanted and their lengths are not known.
  private static let maximumWindow = 256 << 10
  /// The most bytes that are read on the caller's thread, which must not be held up for more than a
  /// fraction of a millisecond.
  static let maximumCached = 2 << 20

  let channelID: String
  private let files: BlockFiles
  private let height: ChainHeight
  private let readPool: BlockingPool
  private let readMemory: SpareMemory
  private let wireMemory: WireMemory
  private let recent: RecentBlocks
  private let checksums = Checksums()
  private let records: CheckedRecords

  /// - Parameter currentFile: number of the newest file.
  init(
    files: BlockFiles, index: ChannelIndex, height: ChainHeight, currentFile: Int,
    _ environment: FileBlockStore.Environment
  ) {
    channelID = files.channelID
    self.files = files
    self.height = height
    readPool = environment.readPool
    readMemory = environment.readMemory
    wireMemory = environment.wireMemory
    recent = RecentBlocks(budget: environment.budget, memory: environment.wireMemory)
    records = CheckedRecords(
      files: files, index: index, currentFile: currentFile, recent: recent, checksums: checksums,
      environment)
  }

  /// The first damage that was found. Nothing may be appended after it.
  var damage: LedgerError? { records.damage }

  /// Lets go of files and memory, once no new read begins, and writes to the index what should be
  /// kept. Blocks the thread.
  func close() {
    records.close()
    files.closeAll()
    recent.removeAll()
  }

  /// Lets go of blocks that were read from the disk for readers that follow.
  func releaseSpareMemory() { recent.releasePassing() }

  // MARK: - What the writer tells

  /// A block that is about to become visible.
  func insert(_ record: BlockRecord, at location: BlockLocation, _ fingerprint: BlockFingerprint) {
    checksums.set(record.number, fingerprint)
    recent.insert(
      record.number, record.wireForm(wireMemory),
      RecentBlocks.Hint(location: location, length: record.storedSize))
  }

  func setCurrentFile(_ number: Int) { records.setCurrentFile(number) }

  // MARK: - Reading

  func block(_ number: UInt64) throws(LedgerError) -> Block {
    try checkAvailable(number)
    var cursor = Cursor(window: CheckedRecords.readWindow)
    return try records.record(number, &cursor).block
  }

  func serializedBlocks(
    from number: UInt64, count: Int, bytes: Int
  ) async throws(LedgerError) -> [ByteBuffer] {
    let known = recent.wireForms(from: number, count: count, bytes: bytes)
    if !known.isEmpty { return known }
    try checkAvailable(number)
    let cached = readKnown(from: number, count: count, bytes: bytes, mayWait: false)
    if !cached.isEmpty { return cached }
    return try await readPool.run(channelID) { () throws(LedgerError) in
      try self.readForms(from: number, count: count, bytes: bytes)
    }
  }

  /// Blocks whose place and fingerprints are at hand, so that no hash is computed. None if there is
  /// anything unusual.
  ///
  /// - Parameter mayWait: Whether to wait for a disk. Otherwise the kernel has to have the bytes in
  ///   memory, and they have to be few.
  private func readKnown(
    from number: UInt64, count: Int, bytes: Int, mayWait: Bool
  ) -> [ByteBuffer] {
    // Taken before the size of the file, so that the file has all of these blocks.
    let end = height.current
    guard let (hint, newest) = recent.place(of: number), case let stop = min(end, newest),
      number < stop
    else { return [] }
    let run = checksums.run(
      from: number, count: Int(min(UInt64(count), stop - number)), bytes: bytes)
    let wanted = run.reduce(0) { $0 + $1.fingerprint.storedSize }
    let location = hint.location
    guard wanted > 0, mayWait || wanted <= Self.maximumCached,
      location.file <= records.currentFile,
      let file = mayWait ? try? files.file(location.file) : files.openFile(location.file),
      let size = try? file.size(), location.offset < size
    else { return [] }
    var window = FileWindow(
      file: file, end: min(size, location.offset + Int64(wanted)), mayWait: mayWait,
      memory: readMemory.take())
    var forms: [ByteBuffer] = []
    forms.reserveCapacity(run.count)
    var offset = location.offset
    for known in run {
      let next = number + UInt64(forms.count)
      guard let form = window.wireForm(at: offset, next, known.fingerprint, wireMemory) else {
        break
      }
      if !known.isCertain { checksums.set(next, known.fingerprint) }
      forms.append(form)
      offset += Int64(known.fingerprint.storedSize)
    }
    readMemory.give(window.releaseMemory())
    guard !forms.isEmpty else { return [] }
    let next =
      offset < size
      ? BlockLocation(file: location.file, offset: offset)
      : BlockLocation(file: location.file + 1, offset: 0)
    recent.pass(from: number, forms, next: RecentBlocks.Hint(location: next, length: 0))
    return forms
  }

  private func readForms(
    from number: UInt64, count: Int, bytes: Int
  ) throws(LedgerError) -> [ByteBuffer] {
    // Somebody else may have read them while this waited for a thread.
    let known = recent.wireForms(from: number, count: count, bytes: bytes)
    if !known.isEmpty { return known }
    records.lookUpFingerprints(number, ahead: count > 1)
    records.findPlace(of: number)
    let read = readKnown(from: number, count: count, bytes: bytes, mayWait: true)
    if !read.isEmpty { return read }
    // Taken before the size of the file, so that the file has all of these blocks.
    let end = height.current
    var cursor = Cursor(
      window: max(CheckedRecords.readWindow, min(bytes, Self.maximumWindow)),
      memory: readMemory.take())
    var forms = [try wireForm(number, &cursor, ahead: count > 1)]
    var left = bytes - forms[0].readableBytes
    var next = number + 1
    while forms.count < count, left > 0, next < end {
      if let wire = recent.wireForm(next) {
        forms.append(wire)
      } else {
        guard let form = try? wireForm(next, &cursor, ahead: true) else { break }
        forms.append(form)
      }
      left -= forms[forms.count - 1].readableBytes
      next += 1
    }
    readMemory.give(cursor.releaseMemory())
    recent.pass(from: number, forms)
    return forms
  }

  private func wireForm(
    _ number: UInt64, _ cursor: inout Cursor, ahead: Bool
  ) throws(LedgerError) -> ByteBuffer {
    try checkAvailable(number)
    return try records.record(number, &cursor, ahead: ahead).wireForm(wireMemory)
  }

  private func checkAvailable(_ number: UInt64) throws(LedgerError) {
    guard !height.isClosed else { throw .closed(channel: channelID) }
    guard number < height.current else {
      throw .notFound(channel: channelID, number: number, height: height.current)
    }
  }
}
