// PEM with everything real files put around it.

import FabricCrypto
import Testing

@Suite struct PEMTests {
  static let simple = """
    -----BEGIN THING-----
    AQIDBA==
    -----END THING-----

    """

  @Test func `a block is found inside of other text`() {
    let blocks = PEM.decodeAll("subject=/CN=x\nissuer: y\n" + Self.simple + "the end\n")
    #expect(blocks == [PEMBlock(type: "THING", der: [1, 2, 3, 4])])
  }

  @Test func `all blocks come in order`() {
    let text = Self.simple + "\n" + Self.simple.replacing("THING", with: "OTHER") + Self.simple
    #expect(PEM.decodeAll(text).map(\.type) == ["THING", "OTHER", "THING"])
  }

  @Test func `the rest after the first block is what follows its line`() throws {
    let bytes = Array((Self.simple + "tail").utf8)
    let (block, rest) = try #require(PEM.decodeFirst(bytes[...]))
    #expect(block.der == [1, 2, 3, 4])
    #expect(rest.elementsEqual("tail".utf8))
  }

  @Test func `headers, carriage returns and blanks in the data are taken`() {
    let text =
      "-----BEGIN A KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info:  AES , x \r\n\r\n"
      + "AQ ID\r\n\tBA==  \r\n-----END A KEY-----"
    #expect(
      PEM.decodeAll(text) == [
        PEMBlock(
          type: "A KEY", headers: ["Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES , x"],
          der: [1, 2, 3, 4])
      ])
  }

  @Test(arguments: [
    "", "AQIDBA==", "-----BEGIN THING-----\nAQIDBA==\n",
    "-----BEGIN THING-----\nAQIDBA==\n-----END OTHER-----\n",
    "-----BEGIN THING-----\nAQIDBA==\n-----END THING----\n",
    "-----BEGIN THING-----\nAQIDBA==\n-----END THING-----x\n",
    "-----BEGIN THING-----\nAQIDBA=\n-----END THING-----\n",
    "-----BEGIN THING-----\nAQIDBA\n-----END THING-----\n",
    "-----BEGIN THING-----\nAQI*BA==\n-----END THING-----\n",
    "-----BEGIN THING-----\nAQ==DBA=\n-----END THING-----\n",
    "-----BEGIN THING-----\nAQIDBA===\n-----END THING-----\n",
    "-----BEGIN THING-----\nA\n-----END THING-----\n",
    "-----BEGIN THING\nAQIDBA==\n-----END THING-----\n",
    "x-----BEGIN THING-----\nAQIDBA==\n-----END THING-----\n",
    "-----BEGIN THING-----\nAQIDBA==-----END THING-----\n",
  ])
  func `what is no block is not taken for one`(text: String) {
    #expect(PEM.decodeAll(text) == [])
  }

  @Test func `a damaged block does not hide the next one`() {
    for damaged in [
      "-----BEGIN X-----\nAQIDBA\n-----END X-----\n",
      "-----BEGIN X-----\nAQIDBA==\n",
      "-----BEGIN X-----\nAQIDBA==\n-----END Y-----\n",
      "\n-----END Z-----\n",
    ] {
      #expect(PEM.decodeAll(damaged + Self.simple).map(\.type) == ["THING"], "\(damaged)")
    }
  }

  @Test func `an empty block is a block`() {
    #expect(
      PEM.decodeAll("-----BEGIN E-----\n-----END E-----\n") == [PEMBlock(type: "E", der: [])])
  }

  @Test func `what is encoded decodes again, in lines of 64`() {
    for count in [0, 1, 2, 3, 47, 48, 49, 95, 96, 97, 1000] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      let text = PEM.encode(type: "CERTIFICATE", der: bytes)
      #expect(PEM.decodeAll(text) == [PEMBlock(type: "CERTIFICATE", der: bytes)])
      let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
      #expect(lines.allSatisfy { $0.count <= 64 })
      #expect(text.last == 0x0A)
    }
  }

  @Test func `mutations never crash the decoder`() {
    var generator = SystemRandomNumberGenerator()
    let original = Array((Self.simple + Self.simple).utf8)
    for _ in 0..<20_000 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let index = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.remove(at: index)
        default: bytes.insert(original[index % original.count], at: index)
        }
        if bytes.isEmpty { break }
      }
      _ = PEM.decodeAll(bytes)
    }
  }
}
