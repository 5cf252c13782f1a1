// Reports as JSON files.

import Foundation
import Storage

extension BenchmarkReport {
  /// The largest file that is read, in bytes.
  private static let maximumFileSize = 16 << 20

  /// JSON for people and programs.
  package func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }

  /// Reads a file that `--json` has written.
  package init(contentsOf path: String) throws {
    let bytes = try BoundedFile.read(path, limit: Self.maximumFileSize)
    do {
      self = try JSONDecoder().decode(BenchmarkReport.self, from: Data(bytes))
    } catch {
      throw BenchmarkError("\(path) is no report of a benchmark: \(Self.reason(error))")
    }
    guard version == Self.currentVersion else {
      throw BenchmarkError(
        "\(path) has version \(version); this program reads version \(Self.currentVersion)")
    }
  }

  private static func reason(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return error.localizedDescription }
    func place(_ context: DecodingError.Context) -> String {
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }
    switch error {
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      return place(context)
    case .keyNotFound(let key, _): return "\(key.stringValue) is missing"
    @unknown default: return "\(error)"
    }
  }
}
