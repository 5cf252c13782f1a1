// Merges, aliases and the bounds of what they stand for.

import Testing

@testable import YAMLSettings

/// The root of a document.
func root(
  _ text: String, maximumNodes: Int = 10_000, override: @escaping (String) -> String? = { _ in nil }
) throws(SettingProblem) -> YAMLSetting {
  SettingWalk(directory: "/cfg", maximumNodes: maximumNodes, override: override)
    .root(of: try YAMLDocument(text))
}

@Suite struct SettingWalkTests {
  private func texts(_ setting: YAMLSetting) throws -> [String: String?] {
    Dictionary(
      uniqueKeysWithValues: try setting.namedEntries().map { ($0.name, try $0.setting.string()) })
  }

  @Test func aMergeReplacesWhatStandsBeforeItWithAWarning() throws {
    let text = "a: &a {x: 1, y: 1}\nafter: {x: 2, <<: *a}\nbefore: {<<: *a, x: 2}\n"
    let fields = try root(text).fields(["a", "after", "before"])
    #expect(try texts(fields["after"]) == ["x": "1", "y": "1"])
    #expect(fields["after"].walk.warnings.map(\.key) == ["after.x"])
    #expect(try texts(fields["before"]) == ["x": "2", "y": "1"])
    #expect(fields["after"].walk.warnings.count == 1)
  }

  @Test func ofSeveralMergedMappingsTheFirstWins() throws {
    let text = "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], y: }\n"
    #expect(try texts(try root(text).fields(["a", "b", "c"])["c"]) == ["x": "1", "y": nil])
  }

  @Test(arguments: ["a: {<<: x}", "a: {<<: [{}, x]}", "a: {<<: }"])
  func onlyMappingsCanBeMerged(text: String) throws {
    #expect(throws: SettingProblem.self) { try root(text).entries() }
  }

  /// Ten levels of ten aliases each.
  private func bomb(_ leaf: String, _ level: (String) -> String) -> String {
    (1...10).reduce("a0: &a0 \(leaf)\n") { text, index in
      let aliases = Array(repeating: "*a\(index - 1)", count: 10).joined(separator: ", ")
      return text + "a\(index): &a\(index) \(level(aliases))\n"
    }
  }

  @Test func whatAliasesStandForIsBounded() throws {
    for text in [
      bomb("[x]") { "[\($0)]" }, bomb("{x: 1}") { "{<<: [\($0)]}" },
      "a: &a [" + Array(repeating: "x", count: 6_000).joined(separator: ",") + "]\nb: [*a, *a]\n",
    ] {
      let problem = try #require(
        #expect(throws: SettingProblem.self) { try root(text).entries() })
      #expect(problem.explanation.contains("aliases"))
    }
  }

  @Test(arguments: [40, 900, 100_000])
  func deepNestingIsRefused(levels: Int) {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
      let text =
        "a: " + String(repeating: open, count: levels) + "x"
        + String(repeating: close, count: levels)
      #expect(throws: SettingProblem.self) { try root(text).entries() }
    }
  }

  @Test func mergesOfMergesAreBoundedInDepth() throws {
    let text = (1...100).reduce("a0: &a0 {a: 1}\n") {
      $0 + "a\($1): &a\($1) {<<: *a\($1 - 1)}\n"
    }
    let problem = try #require(#expect(throws: SettingProblem.self) { try root(text).entries() })
    #expect(problem.explanation.contains("nested"))
  }
}
