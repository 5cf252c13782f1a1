// How the log carries out what a chain's core wants on the disk.

import RaftLog

extension RaftStorage {
  /// Makes jobs durable, with one synchronization for those between two snapshots. Blocks.
  ///
  /// - Returns: How many are durable. Fewer than all only with an error.
  func write(_ jobs: ArraySlice<LogWriter.Job>) -> (done: Int, error: RaftLogError?) {
    var rest = jobs
    do throws(RaftLogError) {
      while let first = rest.first {
        switch first {
        case .snapshot(let snapshot, let hardState), .received(let snapshot, let hardState):
          try save(snapshot, hardState: hardState)
          rest.removeFirst()
          continue
        case .persist: break
        }
        var writes: [Write] = []
        for job in rest {
          guard case .persist(let persist) = job else { break }
          writes.append(
            Write(persist.entries, hardState: persist.hardState, mustSync: persist.mustSync))
        }
        try append(writes)
        rest.removeFirst(writes.count)
      }
      return (jobs.count, nil)
    } catch { return (jobs.count - rest.count, error) }
  }
}
