// Messages that are malformed at some level: always refused, never a crash.

import ChannelConfig
import FabricProtos
import Foundation
import ProcessingFixtures
import SwiftProtobuf
import TestSupport
import Testing

@testable import MessageProcessing

@Suite struct MalformedMessageTests {
  /// Flips, cuts, repeats, inserts or overwrites some bytes.
  static func mutate(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var result = bytes
    for _ in 0..<Int.random(in: 1...3, using: &random) where !result.isEmpty {
      let index = Int.random(in: result.indices, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: result[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: result[index] = UInt8.random(in: 0...255, using: &random)
      case 2: result.removeSubrange(index...)
      case 3: result.insert(UInt8.random(in: 0...255, using: &random), at: index)
      case 4:
        let end = min(result.count, index + Int.random(in: 1...40, using: &random))
        result.insert(contentsOf: result[index..<end], at: index)
      default:
        let end = min(result.count, index + Int.random(in: 1...40, using: &random))
        result.removeSubrange(index..<end)
      }
    }
    return result
  }

  /// A creation transaction, of which one level was changed and all levels around it made to fit.
  static func creation(
    _ update: [UInt8], mutating level: Int, _ random: inout SplitMix64
  ) throws -> [UInt8] {
    func step(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
      level == number ? mutate(bytes, &random) : bytes
    }
    let admin = try TestIdentity.admin()
    let update = step(0, update)
    let signed: [UInt8] = step(
      1, try Messages.signedUpdate(update, by: [admin]).serializedBytes())
    let channelHeader = step(
      2, try Messages.channelHeader("newchannel", .configUpdate).serializedBytes())
    let signatureHeader = step(3, try Messages.signatureHeader(admin).serializedBytes())
    let payload = step(4, try Messages.payload(channelHeader, signatureHeader, signed))
    return step(5, try Messages.signed(payload: payload, admin))
  }

  @Test(arguments: 0...5)
  func `a creation transaction mutated at any level is refused or harmless`(level: Int) throws {
    let network = try TestNetwork(.v20)
    let update: [UInt8] = try network.creationUpdate("newchannel").serializedBytes()
    var random = SplitMix64(seed: UInt64(level))
    var accepted = 0
    for _ in 0..<500 {
      let bytes = try Self.creation(update, mutating: level, &random)
      guard let envelope = try? EnvelopeView(bytes) else { continue }
      do {
        let made = try network.processor.processConfigUpdate(envelope)
        accepted += 1
        let wrapped = Array(try EnvelopeView(made.configEnvelope).data)
        #expect(throws: Never.self) { try ConfigBundle(configEnvelope: wrapped) }
      } catch {
        let refused = try #require(error as? ProcessingError)
        // A mutated name may turn the message into one for the system channel itself.
        #expect([.badRequest, .forbidden].contains(refused.status), "\(refused)")
      }
    }
    // Nobody looks at who submits a creation (level 3), as in Fabric.
    #expect(level == 3 ? accepted == 500 : accepted < 50)
  }

  @Test(arguments: 0...2)
  func `an ORDERER_TRANSACTION mutated at any level is refused or harmless`(level: Int) throws {
    let network = try TestNetwork(.v20)
    let node = try TestIdentity.ordererNode()
    let made = try network.processor.processConfigUpdate(try network.creation())
    let inner = try EnvelopeView(Array(try EnvelopeView(made.configEnvelope).data))
    var random = SplitMix64(seed: UInt64(100 + level))
    for _ in 0..<300 {
      var config = Array(inner.data)
      if level == 0 { config = Self.mutate(config, &random) }
      var wrapped = try Messages.message("newchannel", node, config, type: .config)
      if level == 1 { wrapped = Self.mutate(wrapped, &random) }
      var outer = try Messages.message("syschannel", node, wrapped, type: .ordererTransaction)
      if level == 2 { outer = Self.mutate(outer, &random) }
      guard let envelope = try? EnvelopeView(outer) else { continue }
      do {
        _ = try network.processor.processConfig(envelope)
      } catch {
        #expect([.badRequest, .forbidden].contains(error.status), "\(error)")
      }
    }
  }

  @Test func `a transaction mutated anywhere is refused or harmless`() throws {
    let channel = try TestNetwork(.v20).channel()
    let processor = StandardChannelProcessor(channel, environment: .test())
    let message = try Messages.message(channel.channelID, try .user("user1"))
    var random = SplitMix64(seed: 7)
    for _ in 0..<3000 {
      guard let envelope = try? EnvelopeView(Self.mutate(message, &random)) else { continue }
      do {
        _ = try processor.processNormal(envelope)
      } catch {
        #expect([.badRequest, .forbidden].contains(error.status), "\(error)")
      }
    }
  }

  @Test func `a config update that nests groups too deeply is a bad request`() throws {
    let network = try TestNetwork(.v20)
    for depth in [10, 30, 45, 47, 48, 49, 50, 51, 60, 98, 100, 1000, 20_000] {
      // Groups within groups, as raw bytes: encoders may have limits of their own.
      var group: [UInt8] = []
      for _ in 0..<depth {
        var entry: [UInt8] = [0x0A, 1, 0x67, 0x12]
        Varint.append(UInt64(group.count), to: &entry)
        entry += group
        group = [0x12]
        Varint.append(UInt64(entry.count), to: &group)
        group += entry
      }
      var update: [UInt8] = try network.creationUpdate("newchannel").serializedBytes()
      update.append(0x1A)
      Varint.append(UInt64(group.count), to: &update)
      update += group
      let admin = try TestIdentity.admin()
      let envelope = try EnvelopeView(
        try Messages.message(
          "newchannel", admin,
          try Messages.signedUpdate(update, by: [admin]).serializedBytes(), type: .configUpdate))
      #expect(
        try refusal { try network.processor.processConfigUpdate(envelope) }.status == .badRequest)
    }
  }
}
