// Nonces have the length that Fabric gives them, and never repeat.

import Testing

@testable import FabricCrypto

@Suite struct RandomBytesTests {
  @Test(
    "As many bytes as asked for, also more than the system gives at once",
    arguments: [0, 1, 24, 256, 257, 1000])
  func count(count: Int) {
    #expect(randomBytes(count).count == count)
  }

  @Test("All of them are filled")
  func filled() {
    let tries = (0..<64).map { _ in randomBytes(300) }
    for index in 0..<300 { #expect(tries.contains { $0[index] != 0 }) }
  }

  @Test("A nonce has 24 bytes and is none that was there before")
  func nonces() {
    let nonces = (0..<100).map { _ in Nonce.random() }
    #expect(nonces.allSatisfy { $0.count == 24 })
    #expect(Set(nonces).count == 100)
  }
}
