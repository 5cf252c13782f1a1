// Ed25519: signatures over the message itself, verified by the same equation as Go does it.

import Foundation
import Testing

@testable import FabricCrypto

@Suite struct Ed25519Tests {
  let message = Array("a message to sign".utf8)

  @Test func `what a key signs its public half verifies`() throws {
    let key = try Ed25519PrivateKey()
    let other = try Ed25519PrivateKey()
    let signature = try key.sign([message[0..<3], message[3...]])[...]
    #expect(signature.count == Ed25519PublicKey.signatureByteCount)
    #expect(key.publicKey.isValid(signature: signature, forMessageParts: [message[...]]))
    #expect(
      key.publicKey.isValid(
        signature: signature, forMessageParts: [message[..<9], [], message[9...]]))
    #expect(
      !key.publicKey.isValid(signature: signature, forMessageParts: [message.dropLast()]))
    #expect(!other.publicKey.isValid(signature: signature, forMessageParts: [message[...]]))
    let ofHash = try key.sign([SHA256Digest.hash(message)[...]])
    #expect(!key.publicKey.isValid(signature: ofHash[...], forMessageParts: [message[...]]))
  }

  @Test func `an empty message is neither signed nor verified`() throws {
    let key = try Ed25519PrivateKey()
    #expect(throws: CryptoError.self) { try key.sign([]) }
    #expect(throws: CryptoError.self) { try key.sign([[], []]) }
    let signature = try key.sign([message[...]])
    for parts in [[], [[]], [[], []]] as [[ArraySlice<UInt8>]] {
      #expect(!key.publicKey.isValid(signature: signature[...], forMessageParts: parts))
    }
  }

  private struct Vector: Decodable {
    var what: String
    var key: String
    var message: String
    var signature: String
    var isValid: Bool
  }

  @Test func `at the edges the verdicts are Go's`() throws {
    let file = KeyFormatTests.fixtures.appendingPathComponent("identities/ed25519.json")
    let vectors = try JSONDecoder().decode([Vector].self, from: Data(contentsOf: file))
    #expect(vectors.count(where: \.isValid) > 10 && vectors.count { !$0.isValid } > 10)
    for vector in vectors {
      let key = try Ed25519PublicKey(rawBytes: Self.bytes(vector.key))
      let verdict = key.isValid(
        signature: Self.bytes(vector.signature)[...],
        forMessageParts: [Self.bytes(vector.message)[...]])
      #expect(verdict == vector.isValid, "\(vector.what)")
    }
  }

  @Test func `keys survive their forms`() throws {
    let key = try Ed25519PrivateKey()
    guard case .ed25519(let again) = try PrivateKey(pem: key.pkcs8PEM) else {
      Issue.record("another kind of key")
      return
    }
    #expect(again.publicKey == key.publicKey)
    let info = key.publicKey.subjectPublicKeyInfoDER
    #expect(try PublicKey(subjectPublicKeyInfo: info[...]) == .ed25519(key.publicKey))
    #expect(key.publicKey.subjectKeyIdentifier == SHA256Digest.hash(key.publicKey.rawBytes))
    #expect(throws: CryptoError.self) {
      try Ed25519PublicKey(subjectPublicKeyInfo: (info + [0])[...])
    }
    #expect(throws: CryptoError.self) { try Ed25519PublicKey(rawBytes: [1, 2, 3]) }
  }

  @Test func `a key with its public half behind it is read, as Go reads it`() throws {
    let key = try Ed25519PrivateKey()
    let der = try #require(PEM.decodeAll(key.pkcs8PEM).first).der
    let content = [UInt8](arrayLiteral: 0x02, 0x01, 0x01) + der[5...]
    let withPublicKey =
      content + TestSignature.element(0x81, [0] + key.publicKey.rawBytes)
    #expect(
      try Ed25519PrivateKey(der: TestSignature.element(0x30, withPublicKey)).publicKey
        == key.publicKey)
    for damaged in [Array(der.dropLast()), der + [0], Array(der[..<10]), []] {
      #expect(throws: CryptoError.self) { try Ed25519PrivateKey(der: damaged) }
    }
  }

  private static func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = Array(hexadecimal)
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
      UInt8(String(digits[$0...($0 + 1)]), radix: 16)
    }
  }
}
