// The fields of one serialized protobuf message, read by number and rendered as JSON.

import FabricProtos
import Foundation

/// A serialized message, split into its fields.
///
/// Protobuf's generated types leave default values out of their JSON; Fabric's tools print everything.
/// So the renderers of ``ConfigJSON`` name each field of each message themselves and read it from here.
/// A field whose wire type is not the one asked for counts as unknown and is not shown, like one whose
/// number nobody asks for.
struct WireMessage {
  /// How deeply messages may nest, counted over all layers of serialized messages within messages.
  static let maximumDepth = 200

  private enum Value {
    case varint(UInt64)
    case bytes(ArraySlice<UInt8>)
  }

  /// Where the message is, for errors.
  let path: String
  private let depth: Int
  private var fields: [UInt64: [Value]] = [:]

  /// Splits the outermost message.
  ///
  /// - Throws: ``ConfigToolsError`` if the bytes are not a message.
  init(_ bytes: [UInt8], path: String) throws(ConfigToolsError) {
    try self.init(bytes[...], path: path, depth: 0)
  }

  private init(_ bytes: ArraySlice<UInt8>, path: String, depth: Int) throws(ConfigToolsError) {
    guard depth < Self.maximumDepth else {
      throw ConfigToolsError("\(path): messages nest deeper than \(Self.maximumDepth) levels")
    }
    self.path = path
    self.depth = depth
    guard parse(Array(bytes)) else {
      throw ConfigToolsError("\(path): the bytes there are not a valid protobuf message")
    }
  }

  /// False if the bytes are malformed. Deprecated groups are not read; no message of Fabric has any.
  private mutating func parse(_ bytes: [UInt8]) -> Bool {
    var reader = WireReader(bytes, bytes.indices)
    do {
      while let field = try reader.next() {
        switch field.type {
        case 0: fields[field.number, default: []].append(.varint(field.varint))
        case 2: fields[field.number, default: []].append(.bytes(bytes[field.range]))
        case 3: return false
        default: break
        }
      }
      return true
    } catch {
      return false
    }
  }

  // MARK: Scalars

  private func varint(_ number: UInt64) -> UInt64 {
    for case .varint(let value) in (fields[number] ?? []).reversed() { return value }
    return 0
  }

  private func chunks(_ number: UInt64) -> [ArraySlice<UInt8>] {
    (fields[number] ?? []).compactMap { if case .bytes(let bytes) = $0 { bytes } else { nil } }
  }

  /// The bytes of a field; empty if it is not there.
  func rawBytes(_ number: UInt64) -> ArraySlice<UInt8> { chunks(number).last ?? [] }

  /// A number that a renderer decides by.
  func rawInt32(_ number: UInt64) -> Int32 { Int32(truncatingIfNeeded: varint(number)) }

  /// A large number that a renderer decides by.
  func rawInt64(_ number: UInt64) -> Int64 { Int64(truncatingIfNeeded: varint(number)) }

  /// A text that a renderer decides by.
  func rawString(_ number: UInt64) -> String { String(decoding: rawBytes(number), as: UTF8.self) }

  func int32(_ number: UInt64) -> JSONValue { .number(Int64(rawInt32(number))) }
  func uint32(_ number: UInt64) -> JSONValue {
    .number(Int64(UInt32(truncatingIfNeeded: varint(number))))
  }
  /// Numbers of 64 bits are strings in protobuf's JSON.
  func uint64(_ number: UInt64) -> JSONValue { .string(String(varint(number))) }
  func int64(_ number: UInt64) -> JSONValue {
    .string(String(Int64(truncatingIfNeeded: varint(number))))
  }
  func bool(_ number: UInt64) -> JSONValue { .bool(varint(number) != 0) }

  /// The name of an enumeration's value, or its number if it has none.
  func enumeration(_ number: UInt64, _ names: [String]) -> JSONValue {
    let value = Int(rawInt32(number))
    return names.indices.contains(value) ? .string(names[value]) : .number(Int64(value))
  }

  func string(_ number: UInt64) throws(ConfigToolsError) -> JSONValue {
    .string(try text(rawBytes(number), "field \(number)"))
  }

  func strings(_ number: UInt64) throws(ConfigToolsError) -> JSONValue {
    var result: [JSONValue] = []
    for chunk in chunks(number) { result.append(.string(try text(chunk, "field \(number)"))) }
    return .array(result)
  }

  private func text(_ bytes: ArraySlice<UInt8>, _ what: String) throws(ConfigToolsError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigToolsError("\(path): \(what) is not UTF-8 text")
    }
    return text
  }

  /// Bytes in base 64. None at all are null, which is how Go's encoder shows them.
  func bytes(_ number: UInt64) -> JSONValue {
    let content = rawBytes(number)
    return content.isEmpty ? .null : .string(Self.base64(content))
  }

  func byteStrings(_ number: UInt64) -> JSONValue {
    .array(chunks(number).map { .string(Self.base64($0)) })
  }

  private static func base64(_ bytes: ArraySlice<UInt8>) -> String {
    Data(bytes).base64EncodedString()
  }

  // MARK: Messages

  /// What makes JSON of a message.
  typealias Renderer = (WireMessage) throws(ConfigToolsError) -> JSONValue

  /// Whether a field is there that holds bytes, a text or a message.
  func has(_ number: UInt64) -> Bool { !chunks(number).isEmpty }

  /// Whether a field is there that holds a number.
  func hasNumber(_ number: UInt64) -> Bool {
    (fields[number] ?? []).contains { if case .varint = $0 { true } else { false } }
  }

  /// The message in a field; nil if there is none. Several occurrences are parts of one message.
  func message(_ number: UInt64, _ name: String) throws(ConfigToolsError) -> WireMessage? {
    let parts = chunks(number)
    guard let first = parts.first else { return nil }
    return try child(parts.count == 1 ? first : Array(parts.joined())[...], name)
  }

  /// The message in a field, or null.
  func message(
    _ number: UInt64, _ name: String, _ render: Renderer
  ) throws(ConfigToolsError) -> JSONValue {
    guard let message = try message(number, name) else { return .null }
    return try render(message)
  }

  /// Every message of a repeated field.
  func messages(
    _ number: UInt64, _ name: String, _ render: Renderer
  ) throws(ConfigToolsError) -> JSONValue {
    var result: [JSONValue] = []
    for (index, chunk) in chunks(number).enumerated() {
      result.append(try render(try child(chunk, "\(name)[\(index)]")))
    }
    return .array(result)
  }

  /// A map from texts to messages. The last of several entries with one key counts.
  func map(
    _ number: UInt64, _ name: String,
    _ render: (String, WireMessage) throws(ConfigToolsError) -> JSONValue
  ) throws(ConfigToolsError) -> JSONValue {
    var result: [String: JSONValue] = [:]
    for chunk in chunks(number) {
      let entry = try child(chunk, name)
      let key = try entry.text(entry.rawBytes(1), "a key")
      result[key] = try render(key, try child(entry.rawBytes(2), "\(name)[\(key)]"))
    }
    return .object(result)
  }

  /// A map from texts to bytes.
  func bytesMap(_ number: UInt64, _ name: String) throws(ConfigToolsError) -> JSONValue {
    var result: [String: JSONValue] = [:]
    for chunk in chunks(number) {
      let entry = try child(chunk, name)
      result[try entry.text(entry.rawBytes(1), "a key")] = entry.bytes(2)
    }
    return .object(result)
  }

  /// A message that was serialized into a field of bytes, or null if the field is empty.
  ///
  /// - Parameter render: nil if nothing is known of such a message; the bytes are shown then.
  func opaque(
    _ number: UInt64, _ name: String, _ render: Renderer?
  ) throws(ConfigToolsError) -> JSONValue {
    let content = rawBytes(number)
    guard !content.isEmpty else { return .null }
    guard let render else { return bytes(number) }
    return try render(try child(content, name))
  }

  private func child(
    _ bytes: ArraySlice<UInt8>, _ name: String
  ) throws(ConfigToolsError) -> WireMessage {
    try WireMessage(bytes, path: path.isEmpty ? name : "\(path).\(name)", depth: depth + 1)
  }
}
