// The cases of the Wycheproof project for ECDSA on P-256.

import Crypto
import Foundation
import Testing

@testable import P256Tables

private let folder = ProcessInfo.processInfo.environment["HEDDLE_WYCHEPROOF"]

@Suite(.enabled(if: folder != nil)) struct WycheproofTests {
  private struct File: Decodable {
    var numberOfTests: Int
    var testGroups: [Group]
  }
  private struct Group: Decodable {
    var publicKey: Key
    var tests: [Case]
  }
  private struct Key: Decodable { var uncompressed: String }
  private struct Case: Decodable {
    var tcId: Int
    var comment: String
    var msg: String
    var sig: String
    var result: String
  }

  @Test(arguments: ["sha256", "sha512"])
  func `every case has the verdict that the file and the library give it`(hash: String) throws {
    let file = try read("ecdsa_secp256r1_\(hash)_test.json.gz")
    var cases = 0
    var valid = 0
    for group in file.testGroups {
      let key = try #require(TestKey(uncompressedPoint: bytes(group.publicKey.uncompressed)))
      for test in group.tests {
        cases += 1
        let message = bytes(test.msg)
        let digest =
          hash == "sha256" ? Array(SHA256.hash(data: message)) : Array(SHA512.hash(data: message))
        // How signatures are read is not this room's business: what the library cannot read is left to it.
        let parsed = try? P256.Signing.ECDSASignature(derRepresentation: bytes(test.sig))
        let verdict = parsed.map { signature in
          digest.withUnsafeBytes {
            key.table.isValid(rawSignature: Array(signature.rawRepresentation), digest: $0)
          }
        }
        let library = parsed.map { signature in
          hash == "sha256"
            ? key.publicKey.isValidSignature(signature, for: SHA256.hash(data: message))
            : key.publicKey.isValidSignature(signature, for: SHA512.hash(data: message))
        }
        #expect(verdict == library, "\(test.tcId) \(test.comment)")
        #expect((verdict ?? false) == (test.result == "valid"), "\(test.tcId) \(test.comment)")
        if verdict == true { valid += 1 }
      }
    }
    #expect(cases == file.numberOfTests)
    #expect(valid > 100)
  }

  private func read(_ name: String) throws -> File {
    let unpack = Process()
    unpack.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    unpack.arguments = ["gzip", "-dc", try #require(folder) + "/" + name]
    let output = Pipe()
    unpack.standardOutput = output
    try unpack.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    unpack.waitUntilExit()
    return try JSONDecoder().decode(File.self, from: data)
  }

  private func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    return stride(from: 0, to: digits.count - 1, by: 2).map {
      UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
  }
}
