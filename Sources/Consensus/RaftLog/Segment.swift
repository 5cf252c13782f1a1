// A segment of the log that this process has open and locked.

import RaftCore
import Storage

/// An open segment. It stays readable for whoever has it, even if its file is deleted meanwhile.
final class Segment: Sendable {
  let name: SegmentName
  let file: any LogFile

  init(_ name: SegmentName, _ file: any LogFile) {
    self.name = name
    self.file = file
  }
}
