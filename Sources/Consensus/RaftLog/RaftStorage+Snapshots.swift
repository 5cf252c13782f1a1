// Snapshots: writing one, and letting go of what it makes superfluous.

import RaftCore
import RaftWire
import Storage

extension RaftStorage {
  /// Makes a snapshot durable, this node's own or a received one: first its file; then what the log says of
  /// it and the hard state, in one write. So the log never refers to a snapshot that is not there. Blocks.
  ///
  /// If the log has the entry of that index and term, it stays, down to a few entries before; otherwise all of
  /// it is replaced. Older snapshots and segments that are not needed any more are deleted.
  ///
  /// - Parameter hardState: The node's; its commit index is raised to the snapshot's.
  /// - Throws: as ``append(_:)``.
  package func save(_ snapshot: Snapshot, hardState: HardState) throws(RaftLogError) {
    let mark = SnapshotMark(index: snapshot.index, term: snapshot.term)
    try writing { tail throws(RaftLogError) in
      let newest = try onDisk(snapshotFolder.names()).last?.mark
      guard mark.index > newest?.index ?? 0, mark.index <= LogReplay.maximumIndex else {
        throw .unordered(
          reason:
            "there is a snapshot at index \(newest?.index ?? 0), so none is made at \(mark.index)")
      }
      do throws(StorageError) { try snapshotFolder.write(snapshot) } catch {
        throw error.mayPass ? .storage(error) : .halted(reason: "\(error)")
      }
      var state = hardState
      state.commit = max(state.commit, mark.index)
      var frames = tail.writer()
      frames.append(SnapshotRecord(mark: mark, members: snapshot.members))
      do throws(RaftLogError) { try write(frames, state, to: &tail) } catch {
        // Opening the log again would take a second such file for a sign of loss. If the outcome is not known,
        // the log may name it.
        if error.mayPass { try? snapshotFolder.remove(SnapshotName(mark)) }
        throw error
      }
      shorten(to: mark)
      purge(&tail)
    }
  }

  private func shorten(to mark: SnapshotMark) {
    view.withLock { view in
      if view.log.term(of: mark.index) == mark.term {
        let kept = min(mark.index, limits.entriesBeforeSnapshot)
        view.log.compact(through: mark.index - kept)
      } else {
        view.log.reset(to: mark)
        view.recent.removeAll()
      }
    }
  }

  /// Deletes snapshots beyond the number that is kept, and the segments before the one that the oldest kept
  /// snapshot goes on from. What cannot be deleted stays for the next time.
  private func purge(_ tail: inout LogTail) {
    let log = view.withLock { $0.log }
    tail.older.removeAll { !log.reaches(into: $0.name) }
    do throws(RaftLogError) {
      let snapshots = try onDisk(snapshotFolder.names())
      let kept = snapshots.suffix(max(1, limits.snapshots))
      guard let oldest = kept.first, kept.count >= limits.snapshots else { return }
      for name in snapshots.dropLast(kept.count) {
        try onDisk(snapshotFolder.remove(name))
      }
      let needless = try onDisk(segmentFolder.names()).filter { $0.firstIndex < oldest.mark.index }
        .dropLast().prefix { !log.reaches(into: $0) }
      for name in needless {
        // Another process may have it.
        let purged = try segmentFolder.open(name, owned: true)
        try onDisk(segmentFolder.remove(name))
        logger.debug("Purged \(purged.file.path)")
      }
    } catch {
      if case .locked(let file) = error { return logger.debug("Not purged, as in use: \(file)") }
      logger.warning("Old raft snapshots and segments stay until the next snapshot: \(error)")
    }
  }
}
