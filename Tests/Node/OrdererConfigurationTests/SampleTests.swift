// The commented sample in sampleconfig.

import Foundation
import TestSupport
import Testing
import YAMLSettings

@testable import OrdererConfiguration

@Suite struct SampleTests {
  private let path = Repository.root.appending(path: "sampleconfig/orderer.yaml")

  @Test func theSampleShowsTheDefaults() throws {
    let text = try String(contentsOf: path, encoding: .utf8)
    let loaded = try OrdererConfiguration.parse(text, file: "/cfg/orderer.yaml")
    var expected = try parse("General:")
    // The sample proposes ports and says so; everything else is the default.
    expected.operations.listenAddress = "127.0.0.1:8443"
    expected.admin.listenAddress = "127.0.0.1:9443"
    expected.admin.tls.clientAuthRequired = true
    #expect(loaded.configuration == expected)
    #expect(loaded.notices == [])
  }

  @Test func theSampleNamesEverySetting() throws {
    let text = try String(contentsOf: path, encoding: .utf8)
    var uncommented = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      // Settings that are commented out count: "  # Prefix: value".
      let content = line.drop { $0 == " " }
      let setting = content.hasPrefix("# ") ? content.dropFirst(2) : content[...]
      let name = setting.prefix { $0.isLetter }
      let isSetting =
        !content.hasPrefix("#")
        || ["GenesisMethod", "GenesisFile", "LogLevel", "LogFormat", "Prefix"].contains(name)
          && setting.dropFirst(name.count).first == ":"
      if isSetting { uncommented += line.prefix { $0 == " " } + setting + "\n" }
    }
    let entries = try SettingWalk().root(of: YAMLDocument(uncommented)).entries()
    #expect(Set(Self.leaves(entries, below: "")) == Set(SettingTable.all.map(\.key)))
  }

  private static func leaves(_ entries: [SettingTree.Entry], below section: String) -> [String] {
    entries.flatMap { entry -> [String] in
      let key = section.isEmpty ? entry.key : "\(section).\(entry.key)"
      if case .map(let inner) = entry.value { return leaves(inner, below: key) }
      return [key]
    }
  }
}
