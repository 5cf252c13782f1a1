// Where configuration files are looked for.

import Foundation
import Storage
import TestSupport
import Testing

@testable import YAMLSettings

@Suite struct ConfigurationFileTests {
  private let named: TemporaryFolder
  private let current: TemporaryFolder
  private let system: TemporaryFolder

  init() throws {
    named = try TemporaryFolder()
    current = try TemporaryFolder()
    system = try TemporaryFolder()
  }

  private func add(_ name: String, to folder: TemporaryFolder) throws {
    try Data().write(to: URL(fileURLWithPath: folder.path + "/" + name))
  }

  private func find(_ variable: String?) throws(ConfigurationFile.NotFound) -> ConfigurationFile {
    try ConfigurationFile.find(
      "orderer", environment: variable.map { ["FABRIC_CFG_PATH": $0] } ?? [:],
      currentDirectory: current.path, systemFolder: system.path)
  }

  @Test func theNamedFolderComesFirstThenTheCurrentOneThenTheSystems() throws {
    #expect(throws: ConfigurationFile.NotFound(searched: [named, current, system].map(\.path))) {
      try find(named.path)
    }
    #expect(throws: ConfigurationFile.NotFound(searched: [current, system].map(\.path))) {
      try find(nil)
    }
    try add("orderer.yaml", to: system)
    #expect(try find(nil).path == system.path + "/orderer.yaml")
    #expect(try find(named.path).path == system.path + "/orderer.yaml")
    try add("orderer.yml", to: current)
    #expect(try find("").path == current.path + "/orderer.yml")
    #expect(try find(named.path).path == current.path + "/orderer.yml")
    #expect(try find("/no/where").path == current.path + "/orderer.yml")
    try add("orderer.yaml", to: current)
    #expect(try find(nil).path == current.path + "/orderer.yaml")
    try add("orderer.yml", to: named)
    #expect(
      try find(named.path)
        == ConfigurationFile(path: named.path + "/orderer.yml", passedOver: []))
  }

  @Test func aRelativeFolderIsBelowTheCurrentOne() throws {
    try FileManager.default.createDirectory(
      atPath: current.path + "/cfg", withIntermediateDirectories: false)
    try add("cfg/orderer.yaml", to: current)
    #expect(try find("cfg").path == current.path + "/cfg/orderer.yaml")
    #expect(try find("./cfg/").path == current.path + "/cfg/orderer.yaml")
  }

  @Test func aFolderOfThatNameIsNoFile() throws {
    try FileManager.default.createDirectory(
      atPath: current.path + "/orderer.yaml", withIntermediateDirectories: false)
    try add("orderer.yml", to: current)
    #expect(try find(nil).path == current.path + "/orderer.yml")
  }

  @Test func anotherFolderThanTheNamedOneIsWorthAWarning() throws {
    try add("orderer.yaml", to: current)
    func warning(_ variable: String) throws -> String? {
      try find(variable).warning(environment: ["FABRIC_CFG_PATH": variable])
    }
    #expect(try warning("/no/where")?.contains("/no/where") == true)
    #expect(try warning("") == nil)
    try add("orderer.yaml", to: named)
    #expect(try warning(named.path) == nil)
  }
}

@Suite struct ConfigurationTextTests {
  @Test func everyEncodingOfYAMLIsRead() {
    let text = "é: 1"
    var (big, little): ([UInt8], [UInt8]) = ([0xFE, 0xFF], [0xFF, 0xFE])
    for unit in text.utf16 {
      let (high, low) = (UInt8(unit >> 8), UInt8(unit & 0xFF))
      big += [high, low]
      little += [low, high]
    }
    let marked: [UInt8] = [0xEF, 0xBB, 0xBF] + Array(text.utf8)
    for bytes in [Array(text.utf8), marked, big, little] {
      #expect(ConfigurationText.decode(bytes) == text)
    }
  }

  @Test(
    arguments: [[0xFF], [0x61, 0xC3], [0xFF, 0xFE, 0x61], [0xFE, 0xFF, 0xD8, 0x00]] as [[UInt8]])
  func otherBytesAreNoText(bytes: [UInt8]) {
    #expect(ConfigurationText.decode(bytes) == nil)
  }

  @Test func filesAreReadWithinTheirBound() throws {
    let folder = try TemporaryFolder(["a": Array("abc".utf8), "b": [0xFF]])
    let path = folder.path + "/a"
    #expect(try ConfigurationText.read(path, limit: 3) == "abc")
    let tooLarge = StorageError.tooLarge(path: path, size: 3, limit: 2)
    #expect(throws: ConfigurationText.Failure.unreadable(tooLarge)) {
      try ConfigurationText.read(path, limit: 2)
    }
    #expect(throws: ConfigurationText.Failure.notText(path: folder.path + "/b")) {
      try ConfigurationText.read(folder.path + "/b", limit: 9)
    }
    for path in [folder.path, path + "x"] {
      #expect(throws: ConfigurationText.Failure.self) {
        try ConfigurationText.read(path, limit: 9)
      }
    }
  }
}
