// How a store goes through its files.

import Storage

/// Reads records one after the other, from one file as long as they are in the same one.
struct Cursor {
  let window: Int
  /// The file that is being read, by its number.
  private var current: (file: Int, reader: RecordReader)?
  private var memory: [UInt8]

  init(window: Int, memory: [UInt8] = []) {
    self.window = window
    self.memory = memory
  }

  /// Size of the file that was read last.
  var size: Int64 { current?.reader.size ?? 0 }

  mutating func read(
    _ file: File, at location: BlockLocation, length: Int
  ) throws(StorageError) -> RecordReader.Outcome {
    if current?.file != location.file {
      let memory = releaseMemory()
      let reader = RecordReader(
        file: file, size: try file.size(), window: max(window, length), memory: memory)
      current = (location.file, reader)
    }
    return try current?.reader.read(at: location.offset) ?? .cutOff
  }

  /// Lets go of the file and of the memory, which is as large as the largest read was.
  mutating func releaseMemory() -> [UInt8] {
    defer {
      memory = []
      current = nil
    }
    return current.map { $0.reader.releaseMemory() } ?? memory
  }
}
