// SHA-256 in its three forms.

import FabricCrypto
import Testing

@Suite struct SHA256Tests {
  static let abc: [UInt8] = [
    0xBA, 0x78, 0x16, 0xBF, 0x8F, 0x01, 0xCF, 0xEA, 0x41, 0x41, 0x40, 0xDE, 0x5D, 0xAE, 0x22, 0x23,
    0xB0, 0x03, 0x61, 0xA3, 0x96, 0x17, 0x7A, 0x9C, 0xB4, 0x10, 0xFF, 0x61, 0xF2, 0x00, 0x15, 0xAD,
  ]

  @Test func `the digest of abc is the standard's`() {
    #expect(SHA256Digest.hash(Array("abc".utf8)) == Self.abc)
    #expect(SHA256Digest.hash(Array("xabcx".utf8)[1...3]) == Self.abc)
    #expect(SHA256Digest.hash("abc".utf8) == Self.abc)
  }

  @Test func `parts hash like their concatenation`() {
    let text = Array("abc".utf8)
    #expect(SHA256Digest.hash([text[0..<1], [], text[1..<3]]) == Self.abc)
    var hasher = SHA256Hasher()
    hasher.update(text[0..<2])
    let halfway = hasher
    hasher.update([text[2]])
    #expect(hasher.finalize() == Self.abc)
    #expect(hasher.finalize() == Self.abc)
    #expect(halfway.finalize() == SHA256Digest.hash(Array("ab".utf8)))
  }
}
