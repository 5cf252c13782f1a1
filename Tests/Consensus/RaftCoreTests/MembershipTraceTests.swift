// Whether changes of membership come to what etcd makes of them.

import Foundation
import RaftCore
import Testing

@Suite struct MembershipTraceTests {
  @Test(
    .enabled(if: TraceFiles.isThere, "\(TraceFiles.hint)"),
    arguments: TraceFiles.names(in: "confchange/testdata"))
  func changes(_ name: String) throws {
    let file = try TraceFiles.file("confchange/testdata", name)
    #expect(!file.commands.isEmpty)
    var changer = MembershipChanger(
      lastIndex: 0, maximumInflight: 10, maximumInflightSize: .max)
    for command in file.commands {
      #expect(run(command, &changer) == command.expected, "line \(command.line): \(command.name)")
      changer.lastIndex += 1
    }
  }

  private func run(_ command: DataDrivenCommand, _ changer: inout MembershipChanger) -> String {
    do {
      let steps = try TraceChange.steps(command.input)
      switch command.name {
      case "simple": try changer.simple(steps)
      case "enter-joint":
        try changer.enterJoint(autoLeave: command.value(of: "autoleave") == "true", steps)
      case "leave-joint":
        guard steps.isEmpty else { return "this command takes no input\n" }
        try changer.leaveJoint()
      default: return "unknown command\n"
      }
    } catch {
      return "\(error)\n"
    }
    let progress = changer.progress.nodes.map { node in
      "\(node): \(changer.progress[node].map { "\($0)" } ?? "")\n"
    }
    return "\(changer.members)\n" + progress.joined()
  }
}
