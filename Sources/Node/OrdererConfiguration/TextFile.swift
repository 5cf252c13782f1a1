// The texts that settings are read from: orderer.yaml itself, and files that stand in for values.

import Storage

/// Reads small text files.
enum TextFile {
  enum Failure: Error {
    case tooLarge(bytes: Int)
    case unreadable(String)
    case notUTF8
  }

  /// The text of a file of at most `limit` bytes.
  static func read(_ path: String, limit: Int) throws(Failure) -> String {
    let bytes: [UInt8]
    do {
      bytes = try BoundedFile.read(path, limit: limit)
    } catch .tooLarge(_, let size, _) {
      throw .tooLarge(bytes: size)
    } catch {
      throw .unreadable(error.reason)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
    return text
  }
}
