// What this executable was built from.

import CBuildInformation
import OrdererServer

extension BuildInformation {
  /// That of this executable: only it can be given the commit by Package.swift.
  static let current = BuildInformation(commit: String(cString: heddle_commit()))
}
