// The hand-written wire format agrees with the protobuf library, and survives anything.

import Foundation
import Testing

@testable import FabricProtos

@Suite struct VarintTests {
  @Test(arguments: [0, 1, 127, 128, 300, 1 << 21, 1 << 35, 1 << 63, UInt64.max])
  func everyValueIsReadBackInItsStatedSize(_ value: UInt64) {
    var bytes: [UInt8] = []
    Varint.append(value, to: &bytes)
    #expect(bytes.count == Varint.size(value))
    var index = 0
    #expect(Varint.read(bytes, at: &index, end: bytes.count) == value)
    #expect(index == bytes.count)
  }

  @Test(arguments: [0, 127, 128, 1 << 63, UInt64.max])
  func memoryTakesTheSameBytes(_ value: UInt64) {
    var bytes: [UInt8] = []
    Varint.append(value, to: &bytes)
    var memory = [UInt8](repeating: 0, count: 2 + bytes.count)
    memory.withUnsafeMutableBytes { memory in
      var index = 2
      Varint.write(value, to: memory, at: &index)
      #expect(index == memory.count)
      index = 2
      let part = UnsafeRawBufferPointer(memory)
      #expect(Varint.read(part, at: &index, end: part.count - 1) == nil)
      index = 2
      #expect(Varint.read(part, at: &index, end: part.count) == value)
    }
    #expect(memory == [0, 0] + bytes)
  }

  @Test(arguments: [
    [], [0x80], [UInt8](repeating: 0xFF, count: 10), [UInt8](repeating: 0x80, count: 11),
  ])
  func cutOffAndOverlongValuesAreRefused(_ bytes: [UInt8]) {
    var index = 0
    #expect(Varint.read(bytes, at: &index, end: bytes.count) == nil)
    #expect(index == 0)
  }
}

@Suite struct EnvelopeViewTests {
  static func envelope(
    type: Int32 = 3, channel: String = "mychannel", creator: String = "creator"
  ) throws -> Common_Envelope {
    var channelHeader = Common_ChannelHeader()
    channelHeader.type = type
    channelHeader.channelID = channel
    channelHeader.txID = "tx"
    channelHeader.timestamp.seconds = 1_700_000_000
    channelHeader.timestamp.nanos = 5
    channelHeader.tlsCertHash = Data([9, 8, 7])
    var signatureHeader = Common_SignatureHeader()
    signatureHeader.creator = Data(creator.utf8)
    signatureHeader.nonce = Data([1, 2])
    var payload = Common_Payload()
    payload.header.channelHeader = try channelHeader.serializedData()
    payload.header.signatureHeader = try signatureHeader.serializedData()
    payload.data = Data("data".utf8)
    var envelope = Common_Envelope()
    envelope.payload = try payload.serializedData()
    envelope.signature = Data("signature".utf8)
    return envelope
  }

  @Test func allPartsAreFound() throws {
    let envelope = try Self.envelope()
    let view = try EnvelopeView(envelope.serializedBytes())
    #expect(view.headerType == 3)
    #expect(view.channelID == "mychannel")
    #expect(view.timestamp?.seconds == 1_700_000_000)
    #expect(view.timestamp?.nanos == 5)
    #expect(Array(view.tlsCertificateHash) == [9, 8, 7])
    #expect(Data(view.payload) == envelope.payload)
    #expect(Data(view.signature) == envelope.signature)
    #expect(Data(view.data) == Data("data".utf8))
    let parts = try view.signatureHeaderParts()
    #expect(Array(parts.creator) == Array("creator".utf8))
    #expect(Array(parts.nonce) == [1, 2])
  }

  @Test func negativeHeaderTypesKeepTheirValue() throws {
    #expect(try EnvelopeView(Self.envelope(type: -7).serializedBytes()).headerType == -7)
  }

  @Test func anEnvelopeWithoutHeaderIsRefused() throws {
    #expect(throws: EnvelopeError.missingHeader) { try EnvelopeView([]) }
    var payload = Common_Payload()
    payload.data = Data([1])
    var envelope = Common_Envelope()
    envelope.payload = try payload.serializedData()
    #expect(throws: EnvelopeError.missingHeader) {
      try EnvelopeView(envelope.serializedBytes())
    }
  }

  @Test func theMalformedLayerIsNamed() throws {
    #expect(throws: EnvelopeError.malformed("envelope")) { try EnvelopeView([0xFF, 0xFF]) }
    var envelope = try Self.envelope()
    envelope.payload = Data([0xFF, 0xFF])
    #expect(throws: EnvelopeError.malformed("payload")) {
      try EnvelopeView(envelope.serializedBytes())
    }
    var payload = Common_Payload()
    payload.header.channelHeader = Data([0xFF, 0xFF])
    envelope.payload = try payload.serializedData()
    #expect(throws: EnvelopeError.malformed("channel header")) {
      try EnvelopeView(envelope.serializedBytes())
    }
  }

  @Test func aChannelNameThatIsNoUTF8IsRefused() throws {
    var payload = Common_Payload()
    payload.header.channelHeader = Data([0x22, 2, 0xC3, 0x28])
    var envelope = Common_Envelope()
    envelope.payload = try payload.serializedData()
    #expect(throws: EnvelopeError.malformed("channel header")) {
      try EnvelopeView(envelope.serializedBytes())
    }
  }

  @Test func unknownFieldsAndGroupsAreSkipped() throws {
    var bytes: [UInt8] = [0x9B, 0x06, 0x08, 0x01, 0x9C, 0x06]  // field 99: a group with one field
    bytes += try Self.envelope().serializedBytes() as [UInt8]
    bytes += [0xA0, 0x06, 0x05]  // field 100: a varint
    #expect(try EnvelopeView(bytes).channelID == "mychannel")
  }

  @Test func deeplyNestedGroupsAreRefused() {
    let bytes = [UInt8](repeating: 0x0B, count: 100_000)
    #expect(throws: EnvelopeError.malformed("envelope")) { try EnvelopeView(bytes) }
  }

  /// The library is the oracle: whatever it takes apart, the view takes apart in the same way.
  @Test func randomChangesAreTreatedAsTheLibraryTreatsThem() throws {
    var random = SystemRandomNumberGenerator()
    let original: [UInt8] = try Self.envelope().serializedBytes()
    for _ in 0..<20_000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
          in: 0...255, using: &random)
      }
      let expected = Self.parsedByLibrary(bytes)
      let view = try? EnvelopeView(bytes)
      #expect(view?.channelID == expected?.channelID, "\(bytes)")
      #expect(view?.headerType == expected?.type, "\(bytes)")
    }
  }

  private static func parsedByLibrary(_ bytes: [UInt8]) -> Common_ChannelHeader? {
    guard let envelope = try? Common_Envelope(serializedBytes: bytes),
      let payload = try? Common_Payload(serializedBytes: envelope.payload), payload.hasHeader
    else { return nil }
    return try? Common_ChannelHeader(serializedBytes: payload.header.channelHeader)
  }
}

@Suite struct BlockTests {
  static let block = Block(
    header: BlockHeader(
      number: 300, previousHash: [UInt8](repeating: 1, count: 32),
      dataHash: [UInt8](repeating: 2, count: 32)),
    data: [[1, 2, 3], [], [UInt8](repeating: 7, count: 500)], metadata: [[4], [], [], [], []])

  @Test func theWireFormIsTheLibrarys() throws {
    let message = try Common_Block(serializedBytes: Self.block.serialized())
    #expect(message.header.number == 300)
    #expect(message.data.data.map { [UInt8]($0) } == Self.block.data)
    #expect(message.metadata.metadata.map { [UInt8]($0) } == Self.block.metadata)
    #expect(try message.serializedBytes() as [UInt8] == Self.block.serialized())
    #expect(try Block(serialized: Self.block.serialized()) == Self.block)
  }

  @Test func zeroValuesAreLeftOutOfTheHeader() throws {
    let genesis = Block(
      header: BlockHeader(number: 0, previousHash: [], dataHash: [9]), data: [[1]], metadata: [])
    let message = try Common_Block(serializedBytes: genesis.serialized())
    #expect(try message.header.serializedBytes() as [UInt8] == [0x1A, 1, 9])
    #expect(try Block(serialized: genesis.serialized()) == genesis)
  }

  @Test(
    arguments: [
      (0, [0x02, 1, 0]), (127, [0x02, 1, 127]), (128, [0x02, 2, 0, 128]), (256, [0x02, 2, 1, 0]),
      (UInt64.max, [0x02, 9, 0, 255, 255, 255, 255, 255, 255, 255, 255]),
    ] as [(UInt64, [UInt8])])
  func theHashedFormEncodesNumbersAsMinimalIntegers(_ number: UInt64, _ encoded: [UInt8]) {
    let bytes = BlockHeader(number: number, previousHash: [5], dataHash: [6]).derBytes()
    #expect(bytes == [0x30, UInt8(encoded.count + 6)] + encoded + [0x04, 1, 5, 0x04, 1, 6])
  }

  @Test func garbageIsNoBlock() {
    #expect(throws: BlockDecodingError.self) { try Block(serialized: []) }
    #expect(throws: BlockDecodingError.self) { try Block(serialized: [0x0A, 5, 1]) }
    var random = SystemRandomNumberGenerator()
    let original = Self.block.serialized()
    for _ in 0..<5_000 {
      var bytes = original
      bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
      _ = try? Block(serialized: bytes)
    }
  }
}
