// What this executable is.

import CBuildInformation

/// Version, origin and platform of the executable.
enum BuildInformation {
  /// The release of this program.
  static let version = "0.1.0"

  /// The commit it was built from.
  static var commit: String { String(cString: heddle_commit()) }

  /// The text of `orderer version`, in the layout of Fabric's orderer.
  static var report: String {
    """
    orderer:
     Version: \(version)
     Commit SHA: \(commit)
     Swift version: \(swiftVersion)
     OS/Arch: \(system)/\(architecture)

    """
  }

  private static var swiftVersion: String {
    #if compiler(>=6.4)
      "6.4 or newer"
    #elseif compiler(>=6.3)
      "6.3"
    #elseif compiler(>=6.2)
      "6.2"
    #else
      "6.1"
    #endif
  }

  private static var system: String {
    #if os(Linux)
      "linux"
    #elseif os(macOS)
      "darwin"
    #else
      "unknown"
    #endif
  }

  /// Named as Go names architectures.
  private static var architecture: String {
    #if arch(x86_64)
      "amd64"
    #elseif arch(arm64)
      "arm64"
    #else
      "unknown"
    #endif
  }
}
