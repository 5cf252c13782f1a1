// The folder with the block files and the index of all channels.

import Logging
import Storage
import Synchronization

/// Ledgers in Fabric's on-disk layout (Fabric: `common/ledger/blockledger/fileledger`): `chains`
/// with a folder per channel, `index` with the LevelDB index of all of them, and `pendingops`,
/// where versions from 2.0 on record removals under way, and versions from 2.3 on the joined
/// channels with their join blocks.
package final class FileLedgerFactory: LedgerFactory {
  /// Sizes that a deployment or a test may want to change.
  package struct Options: Sendable {
    /// Size beyond which a new block file is begun, in bytes. Fabric's orderer has no setting for it.
    package var maximumFileSize: Int64 = 64 << 20
    /// The most memory that one channel's newest blocks may take, in bytes.
    package var recentBytesPerChannel = 4 << 20
    /// The memory that the newest blocks of all channels share, in bytes.
    package var recentBytes = 64 << 20
    /// Threads for appends, and so for synchronizing to the disk.
    package var appendThreads = 4
    /// Threads for opening ledgers.
    package var openThreads = 4
    /// Threads for reads of blocks that are no longer in memory.
    package var readThreads = 2
    /// Which boot of the machine this is; empty if that is not known.
    var boot = Self.currentBoot

    package init() {}

    /// Linux makes up a random identifier with each boot.
    private static var currentBoot: [UInt8] {
      let text = try? BoundedFile.read("/proc/sys/kernel/random/boot_id", limit: 1 << 10)
      return Array((text ?? []).prefix(36))
    }
  }

  /// A channel that is open or being opened; the lock is held while it is being opened.
  private final class Entry: Sendable {
    let store = Mutex<FileBlockStore?>(nil)
  }

  private enum State {
    case open(channels: [String: Entry])
    /// Takes no more calls. Final.
    case closed
  }

  /// The folder that everything is in (`FileLedger.Location`).
  package let directory: String
  private let environment: FileBlockStore.Environment
  private let openPool: BlockingPool
  private let logger: Logger
  private let state = Mutex(State.open(channels: [:]))
  /// Keep others out of the folder until the database is closed.
  private let locks: Mutex<[File]>

  package let joins: JoinBlockFolder?

  private var chains: String { "\(directory)/chains" }
  private var pendingRemovals: String { "\(directory)/pendingops/remove" }

  /// Opens the folder, creating it if there is none. Blocks the thread.
  ///
  /// - Parameter signatures: Tells whether a last block is there with its signatures.
  /// - Throws: ``LedgerError/locked(path:)`` if another process has the folder open.
  package init(
    directory: String, signatures: any SignatureProbe, logger: Logger, options: Options = Options()
  ) throws(LedgerError) {
    self.directory = directory
    self.logger = logger
    try onDisk(Folder.create(directory))
    let index = try IndexFolder.open(directory: directory, logger: logger)
    if !Folder.exists("\(directory)/chains", kind: .folder) {
      logger.info("Creating new file ledger directory at \(directory)/chains")
      try onDisk(Folder.create("\(directory)/chains"))
    }
    openPool = BlockingPool(threads: max(1, options.openThreads))
    environment = FileBlockStore.Environment(
      database: index.database, signatures: signatures, maximumFileSize: options.maximumFileSize,
      appendPool: BlockingPool(threads: max(1, options.appendThreads)),
      readPool: BlockingPool(threads: max(1, options.readThreads)),
      upkeepPool: BlockingPool(threads: 1),
      readMemory: SpareMemory(count: max(1, options.readThreads)),
      appendMemory: SpareMemory(count: max(1, options.appendThreads)),
      budget: RecentBlocksBudget(
        total: options.recentBytes, maximum: options.recentBytesPerChannel),
      logger: logger,
      mark: BootMark(
        database: index.database, chains: "\(directory)/chains", boot: options.boot))
    joins = try JoinBlockFolder(directory: directory, pool: environment.appendPool)
    locks = Mutex(index.locks)
  }

  package func channelIDs() throws(LedgerError) -> [String] {
    let names = try onDisk(Folder.names(chains, kind: .folder))
    let removed = Set(try unfinishedRemovals())
    return names.filter { name in
      if removed.contains(name) { return false }
      if isUsableChannelName(name) { return true }
      logger.warning("Ignoring the folder \(chains)/\(name), which is not named like a channel")
      return false
    }
  }

  package func openOrCreate(_ channelID: String) async throws(LedgerError) -> any BlockStore {
    guard isUsableChannelName(channelID) else { throw .invalidChannelName(channelID) }
    let entry = try entry(channelID)
    // On threads of its own: rebuilding an index takes long, and other channels go on meanwhile.
    return try await openPool.run(channelID) { () throws(LedgerError) in
      try entry.store.withLock { store throws(LedgerError) in
        if let store { return store }
        let folder = "\(self.chains)/\(channelID)"
        try onDisk(Folder.create(folder))
        let opened = try FileBlockStore(channelID: channelID, folder: folder, self.environment)
        store = opened
        return opened
      }
    }
  }

  private func entry(_ channelID: String) throws(LedgerError) -> Entry {
    try state.withLock { state throws(LedgerError) in
      guard case .open(var channels) = state else { throw .closed(channel: channelID) }
      if let entry = channels[channelID] { return entry }
      let entry = Entry()
      channels[channelID] = entry
      state = .open(channels: channels)
      return entry
    }
  }

  package func beginRemoval(_ channelID: String) async throws(LedgerError) {
    guard isUsableChannelName(channelID) else { throw .invalidChannelName(channelID) }
    try await environment.appendPool.run(channelID) { () throws(LedgerError) in
      try onDisk(Folder.create(self.pendingRemovals))
      try onDisk(DurableFile.touch(self.marker(channelID)))
    }
  }

  package func remove(
    _ channelID: String, rest: @Sendable () async throws -> Void
  ) async throws {
    try await beginRemoval(channelID)
    try await joins?.remove(channelID)
    let entry = try entry(channelID)
    try await environment.appendPool.run(channelID) { () throws(LedgerError) in
      try entry.store.withLock { store throws(LedgerError) in
        store?.close()
        store = nil
        try self.deleteBlocks(channelID)
      }
    }
    try await rest()
    try await environment.appendPool.run(channelID) { () throws(LedgerError) in
      try onDisk(Folder.remove(self.marker(channelID)))
      try onDisk(Folder.synchronize(self.pendingRemovals))
    }
  }

  private func deleteBlocks(_ channelID: String) throws(LedgerError) {
    let index = ChannelIndex(database: environment.database, channelID: channelID)
    do { try index.removeAll() } catch { throw .index(environment.database.path, error) }
    try onDisk(Folder.remove("\(chains)/\(channelID)"))
    try onDisk(Folder.synchronize(chains))
  }

  /// The empty file that says that a channel is being removed.
  private func marker(_ channelID: String) -> String { "\(pendingRemovals)/\(channelID).remove" }

  package func unfinishedRemovals() throws(LedgerError) -> [String] {
    guard Folder.exists(pendingRemovals, kind: .folder) else { return [] }
    return try onDisk(Folder.names(pendingRemovals, kind: .file))
      .filter { $0.hasSuffix(".remove") }.map { String($0.dropLast(".remove".count)) }
      .filter(isUsableChannelName)
  }

  package func releaseSpareMemory() {
    environment.readMemory.removeAll()
    environment.appendMemory.removeAll()
    environment.wireMemory.removeAll()
    let entries: [Entry] = state.withLock {
      if case .open(let channels) = $0 { Array(channels.values) } else { [] }
    }
    for entry in entries {
      // One that is being opened holds no blocks yet.
      _ = entry.store.withLockIfAvailable { $0?.releaseSpareMemory() }
    }
  }

  package func close() async {
    let entries: [Entry]? = state.withLock { state in
      defer { state = .closed }
      guard case .open(let channels) = state else { return nil }
      return Array(channels.values)
    }
    guard let entries else { return }
    // Ends the rebuilding of indexes, which continues when the folder is next opened.
    environment.closing.raise()
    await openPool.shutDown()
    // Through the pool, so that everything queued earlier is done first.
    try? await environment.appendPool.run("") {
      for entry in entries { entry.store.withLock { $0?.close() } }
    }
    await environment.readPool.shutDown()
    await environment.upkeepPool.shutDown()
    await environment.appendPool.shutDown()
    environment.database.close()
    locks.withLock { $0 = [] }
  }
}
