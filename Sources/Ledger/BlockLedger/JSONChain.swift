// The files of a JSON ledger: what they are called, and reading them, also without owning the folder.

import FabricProtos
import Foundation
import Storage

/// One channel's blocks in `chain_<channel>/block_%020d.json`, for reading only
/// (Fabric 1.4: `common/ledger/blockledger/json`).
package struct JSONChain: Sendable {
  /// Bytes of a block's file; base 64 makes a block a third larger.
  private static let maximumFileSize = 2 * BlockRecord.maximumSize
  private static let folderPrefix = "chain_"
  private static let filePrefix = "block_"
  private static let fileSuffix = ".json"

  package let channelID: String
  let folder: String

  /// - Parameter directory: The ledger folder of the node.
  package init(channelID: String, in directory: String) {
    self.init(channelID: channelID, folder: Self.folder(of: channelID, in: directory))
  }

  init(channelID: String, folder: String) {
    self.channelID = channelID
    self.folder = folder
  }

  static func folder(of channelID: String, in directory: String) -> String {
    "\(directory)/\(folderPrefix)\(channelID)"
  }

  /// The channels that have a folder in a node's ledger folder, sorted by name.
  package static func channelIDs(in directory: String) throws(LedgerError) -> [String] {
    try onDisk(Folder.names(directory, kind: .folder)).filter { $0.hasPrefix(folderPrefix) }
      .map { String($0.dropFirst(folderPrefix.count)) }.filter(isUsableChannelName)
  }

  /// The number of the block in a file of this name; nil if it is none of a block.
  static func number(of name: String) -> UInt64? {
    guard name.hasPrefix(filePrefix), name.hasSuffix(fileSuffix),
      let number = UInt64(name.dropFirst(filePrefix.count).dropLast(fileSuffix.count)),
      fileName(number) == name
    else { return nil }
    return number
  }

  private static func fileName(_ number: UInt64) -> String {
    let digits = String(number)
    return filePrefix + String(repeating: "0", count: 20 - digits.count) + digits + fileSuffix
  }

  func path(_ number: UInt64) -> String { "\(folder)/\(Self.fileName(number))" }

  /// The number behind that of the newest block.
  package func height() throws(LedgerError) -> UInt64 {
    try onDisk(Folder.names(folder, kind: .file)).compactMap(Self.number).max()
      .map { $0 &+ 1 } ?? 0
  }

  /// - Throws: ``LedgerError/corrupt(channel:file:offset:block:reason:)`` if the file does not hold this
  ///   block.
  package func block(_ number: UInt64) throws(LedgerError) -> Block {
    let path = path(number)
    let content = Data(try onDisk(BoundedFile.read(path, limit: Self.maximumFileSize)))
    guard let block = (try? JSONDecoder().decode(JSONBlock.self, from: content))?.block,
      block.header.number == number
    else {
      throw .corrupt(
        channel: channelID, file: path, offset: 0, block: number,
        reason: "it does not hold block \(number) as JSON")
    }
    return block
  }
}

/// A block in protobuf's JSON mapping: bytes in base 64, 64-bit numbers as strings, empty fields
/// left out.
struct JSONBlock: Codable {
  struct Header: Codable {
    var number: String?
    var previousHash: Data?
    var dataHash: Data?
  }
  struct Payload: Codable {
    var data: [Data]?
  }
  struct Metadata: Codable {
    var metadata: [Data]?
  }

  var header: Header
  var data: Payload?
  var metadata: Metadata?

  init(_ block: Block) {
    func optional(_ bytes: [UInt8]) -> Data? { bytes.isEmpty ? nil : Data(bytes) }
    header = Header(
      number: block.header.number == 0 ? nil : String(block.header.number),
      previousHash: optional(block.header.previousHash),
      dataHash: optional(block.header.dataHash))
    data = Payload(data: block.data.isEmpty ? nil : block.data.map { Data($0) })
    metadata = Metadata(metadata: block.metadata.isEmpty ? nil : block.metadata.map { Data($0) })
  }

  var block: Block? {
    guard let number = UInt64(header.number ?? "0") else { return nil }
    return Block(
      header: BlockHeader(
        number: number, previousHash: Array(header.previousHash ?? Data()),
        dataHash: Array(header.dataHash ?? Data())),
      data: (data?.data ?? []).map { Array($0) },
      metadata: (metadata?.metadata ?? []).map { Array($0) })
  }
}
