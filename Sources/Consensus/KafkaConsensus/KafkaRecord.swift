// What the orderers of a channel write into its topic, in the wire format of Fabric's `KafkaMessage`.

import FabricProtos
import Ordering

/// One record of a channel's topic.
package enum KafkaRecord: Sendable, Equatable {
  /// A client's message, or a config message that an orderer made of one.
  case regular(Regular)
  /// Asks every orderer to cut what is pending into the block of this number.
  case timeToCut(UInt64)
  /// Written when an orderer starts; shows that the topic takes records, and means nothing else.
  case connect
  /// A record without a type, which all orderers ignore.
  case none

  /// A message on its way into a block.
  package struct Regular: Sendable, Equatable {
    /// What kind of message it was when it was validated.
    package enum Class: Sendable, Equatable {
      /// Written by an orderer older than 1.1, which does not tell.
      case unknown
      case normal
      case config
      /// A number that no version of Fabric has given a meaning.
      case other(Int)
    }

    /// A serialized envelope.
    package var payload: [UInt8]
    /// Sequence of the configuration that the message was validated against.
    package var configSequence: UInt64
    package var messageClass: Class
    /// Where the message stood before it was validated again and re-submitted; 0 if it never was.
    package var originalOffset: Int64

    package init(
      payload: [UInt8], configSequence: UInt64, messageClass: Class, originalOffset: Int64
    ) {
      self.payload = payload
      self.configSequence = configSequence
      self.messageClass = messageClass
      self.originalOffset = originalOffset
    }
  }
}

extension KafkaRecord {
  /// The record of a message.
  ///
  /// - Parameter originalOffset: Where the message stood before it was validated again; 0 if it never was.
  init(_ message: OrderedMessage, originalOffset: Int64) {
    self = .regular(
      Regular(
        payload: message.envelope.bytes, configSequence: message.configSequence,
        messageClass: message.isConfig ? .config : .normal, originalOffset: originalOffset))
  }

  /// Reads a record.
  ///
  /// - Throws: An error of the protobuf decoder if the bytes are no `KafkaMessage`.
  package init(serialized bytes: UnsafeRawBufferPointer) throws {
    if let regular = Regular(usualForm: bytes) {
      self = .regular(regular)
      return
    }
    let message = try Orderer_KafkaMessage(serializedBytes: Array(bytes))
    switch message.type {
    case .regular(let regular):
      let messageClass: Regular.Class =
        switch regular.class {
        case .unknown: .unknown
        case .normal: .normal
        case .config: .config
        case .UNRECOGNIZED(let value): .other(value)
        }
      self = .regular(
        Regular(
          payload: [UInt8](regular.payload), configSequence: regular.configSeq,
          messageClass: messageClass, originalOffset: regular.originalOffset))
    case .timeToCut(let message): self = .timeToCut(message.blockNumber)
    case .connect: self = .connect
    case nil: self = .none
    }
  }

  /// The record's bytes, equal to those of the Go implementation.
  package func serialized() -> [UInt8] {
    var bytes: [UInt8] = []
    switch self {
    case .regular(let regular):
      let contentSize = regular.contentSize
      bytes.reserveCapacity(1 + Varint.maximumSize + contentSize)
      bytes.append(1 << 3 | 2)
      Varint.append(UInt64(contentSize), to: &bytes)
      regular.append(to: &bytes)
    case .timeToCut(let number):
      bytes.append(2 << 3 | 2)
      bytes.append(UInt8(number == 0 ? 0 : 1 + Varint.size(number)))
      if number != 0 {
        bytes.append(1 << 3)
        Varint.append(number, to: &bytes)
      }
    case .connect: bytes = [3 << 3 | 2, 0]
    case .none: break
    }
    return bytes
  }
}

extension KafkaRecord.Regular {
  fileprivate var classNumber: Int {
    switch messageClass {
    case .unknown: 0
    case .normal: 1
    case .config: 2
    case .other(let value): value
    }
  }

  /// Fields 2 to 4 with their values; those that are 0 are not written.
  private var numbers: [(tag: UInt8, value: UInt64)] {
    [
      (2 << 3, configSequence), (3 << 3, UInt64(bitPattern: Int64(classNumber))),
      (4 << 3, UInt64(bitPattern: originalOffset)),
    ]
  }

  fileprivate var contentSize: Int {
    let head = payload.isEmpty ? 0 : 1 + Varint.size(UInt64(payload.count)) + payload.count
    return numbers.reduce(head) { $1.value == 0 ? $0 : $0 + 1 + Varint.size($1.value) }
  }

  fileprivate func append(to bytes: inout [UInt8]) {
    if !payload.isEmpty {
      bytes.append(1 << 3 | 2)
      Varint.append(UInt64(payload.count), to: &bytes)
      bytes += payload
    }
    for (tag, value) in numbers where value != 0 {
      bytes.append(tag)
      Varint.append(value, to: &bytes)
    }
  }

  /// Reads a regular record in the form that all orderers write: one field, and within it the fields
  /// in ascending order, each at most once. Anything else is left to the complete decoder.
  fileprivate init?(usualForm bytes: UnsafeRawBufferPointer) {
    var reader = Reader(bytes: bytes)
    guard reader.tag() == 1 << 3 | 2, let size = reader.varint(),
      size == UInt64(bytes.count - reader.index)
    else { return nil }
    payload = []
    configSequence = 0
    messageClass = .unknown
    originalOffset = 0
    var last: UInt8 = 0
    while reader.index < bytes.count {
      guard let tag = reader.tag(), tag > last, let value = reader.varint() else { return nil }
      last = tag
      switch tag {
      case 1 << 3 | 2:
        guard value <= UInt64(bytes.count - reader.index) else { return nil }
        let end = reader.index + Int(value)
        payload = [UInt8](bytes[reader.index..<end])
        reader.index = end
      case 2 << 3: configSequence = value
      case 3 << 3 where value == 1: messageClass = .normal
      case 3 << 3 where value == 2: messageClass = .config
      case 4 << 3: originalOffset = Int64(bitPattern: value)
      default: return nil
      }
    }
  }

  private struct Reader {
    let bytes: UnsafeRawBufferPointer
    var index = 0

    mutating func tag() -> UInt8? {
      guard index < bytes.count else { return nil }
      defer { index += 1 }
      return bytes[index]
    }

    mutating func varint() -> UInt64? { Varint.read(bytes, at: &index, end: bytes.count) }
  }
}
