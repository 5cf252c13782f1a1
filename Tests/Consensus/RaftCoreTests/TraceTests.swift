// Whether a group of our cores does, message for message and line for line, what etcd's library does.

import Foundation
import RaftCore
import Testing

@Suite struct TraceTests {
  /// With the environment set, all of them have to be there.
  @Test(.enabled(if: TraceFiles.isThere, "\(TraceFiles.hint)")) func allTracesAreThere() {
    #expect(TraceFiles.names(in: "testdata").count == 28)
    #expect(TraceFiles.names(in: "confchange/testdata").count == 9)
    #expect(TraceFiles.names(in: "quorum/testdata").count == 4)
  }

  @Test(
    .enabled(if: TraceFiles.isThere, "\(TraceFiles.hint)"),
    arguments: TraceFiles.names(in: "testdata"))
  func interaction(_ name: String) throws {
    try run(TraceFiles.file("testdata", name))
  }

  @Test(arguments: TraceFiles.ownNames) func ownInteraction(_ name: String) throws {
    try run(DataDrivenFile(TraceFiles.own.appending(path: name)))
  }

  private func run(_ file: DataDrivenFile) {
    var group = TraceGroup()
    #expect(!file.commands.isEmpty)
    for command in file.commands {
      let output = group.run(command)
      guard output != command.expected else { continue }
      // What follows a first difference tells nothing.
      Issue.record(
        "\(command.name) of line \(command.line): \(difference(command.expected, output))")
      return
    }
  }

  /// The first lines that are not equal.
  private func difference(_ expected: String, _ output: String) -> String {
    let expected = expected.components(separatedBy: "\n")
    let output = output.components(separatedBy: "\n")
    let place = zip(expected, output).prefix { $0 == $1 }.count
    func lines(_ all: [String]) -> String { all.dropFirst(place).prefix(4).joined(separator: "\n") }
    return "output line \(place + 1): expected\n\(lines(expected))\ngot\n\(lines(output))"
  }
}
