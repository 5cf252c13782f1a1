// YAML texts that are parsed, and those that are not.

import Testing

@testable import YAMLSettings

@Suite struct YAMLDocumentTests {
  private func refusal(_ text: String) throws -> SettingProblem {
    let problem = try #require(#expect(throws: SettingProblem.self) { try YAMLDocument(text) })
    #expect(problem.kind == .malformedYAML)
    return problem
  }

  @Test(
    "What is no mapping is refused in one line",
    arguments: [
      "General: [unclosed\n", "\tGeneral:\n", "just text\n", "", "# only a comment\n", "- a\n- b\n",
      "General: {}\n---\nGeneral: {}\n", "a: *nowhere\n", "? [a, b]\n: c\n", "'\\xzz",
      "General: 1\n  ListenPort: 2\n", "\0", "%YAML 9\n---\na: 1",
    ])
  func malformed(text: String) throws {
    let reason = try refusal(text).reason
    #expect(!reason.isEmpty)
    #expect(!reason.contains("\n"))
  }

  @Test(arguments: ["", "# nothing\n", "---\n", "~", "null\n"])
  func aTextWithoutAnyValueIsAcceptedWhereItMayBe(text: String) throws {
    #expect(try refusal(text).reason == "it is empty")
    let root = SettingWalk().root(of: try YAMLDocument(text, mayBeEmpty: true))
    #expect(!root.isPresent)
    #expect(try root.entries() == [])
  }

  @Test func duplicateKeysAreToldByNameAndLine() throws {
    let problem = try refusal("General:\n  Port: 1\nKafka: {}\nGeneral: {}\n")
    #expect(problem.reason == "line 1: duplicate key General; each can be set once")
  }

  @Test func aTextOfMoreThanAMegabyteIsNotParsed() throws {
    #expect(
      try refusal("a: 1\n" + String(repeating: "#\n", count: 1 << 19)).reason.contains("bytes"))
  }

  @Test(
    "Keys that are no plain names are refused before they are compared",
    arguments: [
      "*a : 1", "*a: 1", "? *a\n: 1", "{*a : 1}", "{? *a : 1}", "[*a, *a]: 1", "{[*a]:1}",
      "{{a: *a}: 1}", "{?*a : 1}",
    ])
  func complexKeys(key: String) throws {
    let problem = try refusal("a: &a [x]\nb:\n" + key + "\n")
    #expect(problem.line == 3)
    #expect(problem.explanation.contains("key"))
  }

  @Test(
    "Brackets, stars and question marks in texts and comments are no keys",
    arguments: [
      "\"[::1]:7050\"", "'*a : b'", "a? b", "x # *a : b", "\"a\\\"*b : c\"", "'it''s *a : b'",
      "[ '*a : b', \"]: \" ]", "tcp://[::1]:8125", "a}:b",
    ])
  func harmlessText(value: String) throws {
    _ = try YAMLDocument("a: \(value)\n")
  }

  @Test func aMappingMayMergeSeveralTimes() throws {
    let text = """
      a: &a {x: 1, y: 1}
      b: &b {y: 2, z: 2}
      both:
        << : *a
        <<: *b
        text: "<<: untouched"
      """
    let root = SettingWalk().root(of: try YAMLDocument(text))
    let entries = try root.entries()
    #expect(
      entries.last?.value
        == .map([
          .init(key: "x", value: .scalar("1"), line: 1),
          .init(key: "y", value: .scalar("2"), line: 2),
          .init(key: "z", value: .scalar("2"), line: 2),
          .init(key: "text", value: .scalar("<<: untouched"), line: 6),
        ]))
  }
}
