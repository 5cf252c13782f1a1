// Messages and readable effects for the tests of the core.

import FabricProtos
import Foundation
import Ordering
import TestSupport

@testable import KafkaConsensus

/// An envelope whose data tells it from others, of about the given size.
func envelopeBytes(
  _ data: [UInt8], type: Common_HeaderType = .endorserTransaction, size: Int = 0
) -> [UInt8] {
  func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
    var bytes = [number << 3 | 2]
    Varint.append(UInt64(content.count), to: &bytes)
    return bytes + content
  }
  var header: [UInt8] = []
  if type.rawValue != 0 {
    header = [1 << 3]
    Varint.append(UInt64(bitPattern: Int64(type.rawValue)), to: &header)
  }
  let payload = field(1, field(1, header)) + field(2, data)
  return field(1, payload) + field(2, [UInt8](repeating: 1, count: max(1, size - payload.count)))
}

/// A record with a message.
func regular(
  _ name: String, _ messageClass: KafkaRecord.Regular.Class = .normal, sequence: UInt64 = 0,
  original: Int64 = 0, size: Int = 100, type: Common_HeaderType? = nil
) -> KafkaRecord {
  let type = type ?? (messageClass == .config ? .config : .endorserTransaction)
  return .regular(
    KafkaRecord.Regular(
      payload: envelopeBytes(Array(name.utf8), type: type, size: size), configSequence: sequence,
      messageClass: messageClass, originalOffset: original))
}

func context(
  sequence: UInt64 = 0, resubmission: Bool = true, count: Int = 3, bytes: Int = 1_000
) -> KafkaCore.Context {
  KafkaCore.Context(
    configSequence: sequence, resubmission: resubmission,
    limits: BatchLimits(maxMessageCount: count, preferredMaxBytes: bytes))
}

/// The name that a message was made with.
func name(_ message: OrderedMessage) -> String {
  String(decoding: message.envelope.data, as: UTF8.self)
}

/// Effects as short texts; offsets as persisted/original/resubmitted.
func trace(_ effects: [KafkaCore.Effect]) -> [String] {
  func text(_ offsets: KafkaOffsets) -> String {
    "\(offsets.lastPersisted)/\(offsets.lastOriginalProcessed)/\(offsets.lastResubmittedConfig)"
  }
  return effects.map { effect in
    switch effect {
    case .write(let batch, _, let offsets):
      "write \(batch.map(name).joined(separator: ",")) \(text(offsets))"
    case .writeConfig(let message, _, let offsets): "config \(name(message)) \(text(offsets))"
    case .startTimer(let id): "timer \(id)"
    case .stopTimer: "stop"
    case .resubmit(let message, let original):
      "resubmit \(name(message)) \(message.configSequence) \(original)"
    case .holdClients: "hold"
    case .releaseClients: "release"
    case .discard: "discard"
    case .fail: "fail"
    case .broken: "broken"
    }
  }
}

func trace(_ effect: KafkaCore.ExpiryEffect?) -> [String] {
  switch effect {
  case .postTimeToCut(let block)?: ["cut \(block)"]
  case nil: []
  }
}

func trace(_ effect: KafkaCore.TimerEffect?) -> [String] {
  switch effect {
  case .startTimer(let id)?: ["timer \(id)"]
  case nil: []
  }
}

func trace(_ effect: KafkaCore.ClientEffect?) -> [String] {
  switch effect {
  case .releaseClients?: ["release"]
  case nil: []
  }
}

func trace(_ step: KafkaCore.Step) -> [String] {
  switch step {
  case .effects(let effects): trace(effects)
  case .validate(let message):
    ["validate \(message.isConfig ? "config" : "normal") \(name(message))"]
  }
}

extension SplitMix64 {
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}
