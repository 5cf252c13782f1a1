// What this program is: for `orderer version`, `/version`, metrics and the log.

/// Version, origin and platform of the executable.
package struct BuildInformation: Sendable {
  /// The release of this program.
  package static let version = "0.1.0"

  /// The commit that the executable was built from.
  package let commit: String

  package init(commit: String) {
    self.commit = commit
  }

  /// The text of `orderer version`, in the layout of Fabric's orderer.
  package var report: String {
    """
    orderer:
     Version: \(Self.version)
     Commit SHA: \(commit)
     Swift version: \(Self.swiftVersion)
     OS/Arch: \(Self.system)/\(Self.architecture)

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
