// The help of commands that have flags of their own.

import Storage

/// A command that provides the text of its help below the first line.
package protocol DescribedCommand {
  /// What follows `usage: orderer ` and the flags, one paragraph each.
  static var help: String { get }
  /// The exit status for a command line that makes no sense.
  static var usageStatus: Int32 { get }
}

extension DescribedCommand {
  /// As for the commands that Fabric's orderer has too.
  package static var usageStatus: Int32 { 1 }
}

/// Tells on standard error why a command did not do what it was asked to.
func complain(_ command: String, _ error: any Error) {
  StandardStreams.writeToError("orderer \(command): error: \(error)\n")
}
