// What a command of a trace prints.

import RaftCore

/// The output of one command, with the log's lines of a level or above.
struct TraceOutput {
  /// As the traces name them; the last one silences all but errors of the commands.
  static let levels = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"]

  private(set) var text = ""
  var level = 0
  private var outer: [String] = []

  var isQuiet: Bool { level == Self.levels.count - 1 }

  mutating func reset() { text = "" }

  mutating func write(_ line: String) {
    if !isQuiet { text += line }
  }

  mutating func log(_ events: [RaftCore.Event], of node: NodeID) {
    for event in events where event.level.rawValue >= level {
      write("\(Self.levels[event.level.rawValue]) \(event.text(of: node))\n")
    }
  }

  // MARK: Indented parts

  mutating func begin() {
    outer.append(text)
    text = ""
  }

  mutating func end() {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let complete = text.hasSuffix("\n") ? lines.dropLast() : lines[...]
    text = (outer.popLast() ?? "") + (text.isEmpty ? "" : complete.map { "  \($0)\n" }.joined())
  }
}
