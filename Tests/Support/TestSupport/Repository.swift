// Where the files are that tests read.

import Foundation

/// The folder of this package.
package enum Repository {
  package static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// What was recorded of Fabric, and the test network's keys and certificates.
  package static let fixtures = root.appending(path: "Tests/Fixtures")
  /// The test network's keys and certificates.
  package static let crypto = fixtures.appending(path: "crypto")
}
