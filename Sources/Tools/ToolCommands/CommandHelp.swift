// The help of commands that have flags of their own.

import Storage

/// A command that provides the text of its help below the first line.
package protocol DescribedCommand {
  /// What follows `usage: orderer ` and the flags, one paragraph each.
  static var help: String { get }
}

/// Tells on standard error why a command did not do what it was asked to.
func complain(_ command: String, _ error: any Error) {
  StandardStreams.writeToError("orderer \(command): error: \(error)\n")
}
