// Where etcd's traces lie, which are not part of this repository.

import Foundation
import TestSupport

/// The traces of go.etcd.io/raft: folders of data-driven files.
enum TraceFiles {
  /// Nil if the environment does not say.
  static let folder = ProcessInfo.processInfo.environment["HEDDLE_RAFT_TRACES"].map {
    URL(filePath: $0)
  }

  static var isThere: Bool { folder != nil }
  static let hint = "HEDDLE_RAFT_TRACES names no folder of etcd's traces"

  /// Names of the files of a folder below, in order.
  static func names(in path: String) -> [String] {
    folder.map { names(of: $0.appending(path: path)) } ?? []
  }

  static func file(_ path: String, _ name: String) throws -> DataDrivenFile {
    try DataDrivenFile(
      (folder ?? URL(filePath: "/")).appending(path: path).appending(path: name))
  }

  /// The traces that are part of this repository, for what etcd has none for.
  static let own = Repository.fixtures.appending(path: "raft-traces")
  static let ownNames = names(of: own)

  private static func names(of folder: URL) -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
    return (names ?? []).filter { $0.hasSuffix(".txt") }.sorted()
  }
}
