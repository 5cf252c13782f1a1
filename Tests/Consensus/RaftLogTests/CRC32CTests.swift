// The checksum is the one of RFC 3720, however it is computed.

import CCRC32C
import TestSupport
import Testing

@testable import RaftLog

@Suite struct CRC32CTests {
  @Test func theExamplesOfTheRFC() {
    #expect(CRC32C.of(Array("123456789".utf8)[...]) == 0xE306_9283)
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32)[...]) == 0x8A91_36AA)
    #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)[...]) == 0x62A8_AB43)
    #expect(CRC32C.of(Array(0..<32)[...]) == 0x46DD_794E)
    #expect(CRC32C.of([]) == 0)
  }

  @Test func theProcessorAndTheTableAgreeAndPartsAddUp() {
    var random = SplitMix64(seed: 1)
    for _ in 0..<500 {
      let bytes = (0..<Int.random(in: 0...100, using: &random)).map { _ in
        UInt8(truncatingIfNeeded: random.next())
      }
      let cut = Int.random(in: 0...bytes.count, using: &random)
      let whole = CRC32C.of(bytes[...])
      #expect(CRC32C.update(CRC32C.of(bytes[..<cut]), bytes[cut...]) == whole)
      #expect(
        bytes.withUnsafeBytes { heddle_crc32c_portable(0, $0.baseAddress, $0.count) } == whole)
    }
  }
}
