// Reads configuration files as text.

import Storage

/// Texts that configurations consist of.
package enum ConfigurationText {
  /// Why a file was not read.
  package enum Failure: Error, Equatable, CustomStringConvertible {
    case unreadable(StorageError)
    case notText(path: String)

    package var description: String {
      switch self {
      case .unreadable(let error): "\(error)"
      case .notText(let path): "\(path) is not a text in UTF-8 or UTF-16"
      }
    }
  }

  /// The text of a file of at most `limit` bytes: UTF-8, or UTF-16 with a byte order mark.
  package static func read(_ path: String, limit: Int) throws(Failure) -> String {
    let bytes: [UInt8]
    do {
      bytes = try BoundedFile.read(path, limit: limit)
    } catch {
      throw .unreadable(error)
    }
    guard let text = decode(bytes) else { throw .notText(path: path) }
    return text
  }

  /// The bytes as text, without its byte order mark; nil if they are not text.
  package static func decode(_ bytes: [UInt8]) -> String? {
    if bytes.starts(with: [0xFE, 0xFF]) { return utf16(bytes.dropFirst(2), isBigEndian: true) }
    if bytes.starts(with: [0xFF, 0xFE]) { return utf16(bytes.dropFirst(2), isBigEndian: false) }
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    return String(
      validating: bytes.starts(with: mark) ? bytes.dropFirst(3) : bytes[...], as: UTF8.self)
  }

  private static func utf16(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> String? {
    guard bytes.count % 2 == 0 else { return nil }
    let units = stride(from: bytes.startIndex, to: bytes.endIndex, by: 2).map { index in
      let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
      return isBigEndian ? first << 8 | second : second << 8 | first
    }
    return String(validating: units, as: UTF16.self)
  }
}
