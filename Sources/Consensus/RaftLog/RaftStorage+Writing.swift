// Appending to the log: entries and hard states, any number of them with one write and one sync.

import RaftCore
import Storage

extension RaftStorage {
  /// Writes one thing; see ``append(_:)``.
  package func append(
    _ entries: [Entry], hardState: HardState? = nil, mustSync: Bool = false
  ) throws(RaftLogError) {
    try append([Write(entries, hardState: hardState, mustSync: mustSync)])
  }

  /// Makes all of `writes` durable, in order. Blocks for one write and one sync, however many there are.
  ///
  /// A new commit index alone is not worth a sync: it stays in memory until something else is written, as in
  /// etcd.
  ///
  /// - Throws: If the error ``RaftLogError/mayPass``, or is ``RaftLogError/unordered(reason:)``, nothing was
  ///   written.
  package func append(_ writes: [Write]) throws(RaftLogError) {
    try writing { tail throws(RaftLogError) in
      try checkOrder(writes)
      let state = writes.last { $0.hardState != nil }?.hardState ?? tail.pending ?? tail.written
      let isUrgent =
        writes.contains { $0.mustSync || !$0.entries.isEmpty } || state.term != tail.written.term
        || state.vote != tail.written.vote
      guard isUrgent else {
        tail.pending = state == tail.written ? nil : state
        return
      }
      var frames = tail.writer()
      frames.reserve(for: writes)
      for write in writes { for entry in write.entries { frames.append(entry) } }
      try write(frames, state, to: &tail)
      try moveOnIfFull(&tail)
    }
  }

  /// Makes durable what was appended without a sync. Blocks.
  package func synchronize() throws(RaftLogError) { try append([Write(mustSync: true)]) }

  private func checkOrder(_ writes: [Write]) throws(RaftLogError) {
    let (first, end) = view.withLock { ($0.log.first, $0.log.last) }
    var last = end
    for write in writes {
      for (position, entry) in write.entries.enumerated() {
        let follows = position == 0 ? entry.index <= last + 1 : entry.index == last + 1
        guard follows, entry.index >= first, entry.index <= LogReplay.maximumIndex else {
          throw .unordered(
            reason:
              "entry \(entry.index) cannot be appended to a log of entries \(first) to \(last)")
        }
        last = entry.index
      }
    }
  }

  /// Writes frames and then the hard state, unless the log has it, and makes the entries visible.
  func write(
    _ frames: consuming FrameWriter, _ state: HardState, to tail: inout LogTail
  ) throws(RaftLogError) {
    var frames = frames
    if state != tail.written { frames.append(state) }
    let places = frames.places
    let begin = tail.size
    let segment = tail.newest
    if frames.count > 0 {
      do { try tail.append(frames) } catch { throw .writing(error) }
    }
    tail.written = state
    tail.pending = nil
    view.withLock { view in
      for place in places {
        let known = EntryIndex.Place(
          term: place.entry.term, segment: segment, offset: begin + Int64(place.offset),
          frameSize: UInt32(place.frameSize), crcBefore: place.crcBefore)
        _ = view.log.put(place.entry.index, known)
        view.recent.append(place.entry)
      }
    }
  }

  /// Begins the next segment once the newest one has its size. If that fails and may pass, the newest one goes
  /// on growing until the next attempt.
  private func moveOnIfFull(_ tail: inout LogTail) throws(RaftLogError) {
    guard tail.size >= limits.segmentSize else { return }
    do throws(RaftLogError) { try moveOn(&tail) } catch {
      guard error.mayPass else { throw .halted(reason: "\(error)") }
      logger.error(
        "A new segment of the raft log is needed, and tried again with the next write: \(error)")
    }
  }

  private func moveOn(_ tail: inout LogTail) throws(RaftLogError) {
    do { try tail.trim() } catch { throw .writing(error) }
    var frames = FrameWriter(crc: tail.crc)
    frames.appendSegmentHead()
    if tail.written != HardState() { frames.append(tail.written) }
    let crc = frames.crc
    let bytes = frames.releaseMemory()
    let name = SegmentName(
      sequence: tail.newest.name.sequence + 1, firstIndex: view.withLock { $0.log.last } + 1)
    let next = try segmentFolder.create(name, bytes)
    tail.moveOn(to: next, size: Int64(bytes.count), crc: crc)
    logger.info("Created a new WAL segment \(next.file.path)")
  }
}

extension RaftLogError {
  /// The error for a write that failed.
  static func writing(_ failure: LogTail.Failure) -> RaftLogError {
    switch failure {
    case .undone(let error) where error.mayPass: .storage(error)
    case .undone(let error): .halted(reason: "\(error)")
    case .unknown(let reason): .halted(reason: reason)
    }
  }
}
