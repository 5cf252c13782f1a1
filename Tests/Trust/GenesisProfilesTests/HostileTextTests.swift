// Text that tries to exhaust time, memory or the stack is refused; without its bounds the reader
// would not finish such text in a lifetime.

import TestSupport
import Testing

@testable import GenesisProfiles

@Suite("Hostile YAML", .heavy)
struct HostileTextTests {
  private func refusal(_ yaml: String) throws -> GenesisError {
    try #require(
      #expect(throws: GenesisError.self) { _ = try document(yaml).profile("P").channelGroup() })
  }

  /// Ten levels of ten aliases each: ten thousand million leaves.
  private func bomb(leaf: String, level: (String) -> String) -> String {
    var text = "A0: &a0 \(leaf)\n"
    for index in 1...10 { text += "A\(index): &a\(index) \(level("*a\(index - 1)"))\n" }
    return text
  }

  @Test("Nested lists of aliases are not expanded")
  func listBomb() throws {
    let text = bomb(leaf: "{Name: x, SkipAsForeign: true}") { alias in
      "[" + Array(repeating: alias, count: 10).joined(separator: ", ") + "]"
    }
    _ = try refusal(text + "Profiles: {P: {Application: {Organizations: *a10}}}\n")
  }

  @Test("Merges of merges are bounded in number")
  func mergeBomb() throws {
    let text = bomb(leaf: "{a: 1}") { alias in
      "{<<: [" + Array(repeating: alias, count: 10).joined(separator: ", ") + "]}"
    }
    let error = try refusal(text + "Profiles: {P: {Capabilities: *a10}}\n")
    #expect(error.kind == .malformedYAML)
    #expect(error.explanation.contains("expand"))
  }

  @Test("Merges of merges are bounded in depth")
  func mergeDepth() throws {
    var text = "A0: &a0 {a: 1}\n"
    for index in 1...100 { text += "A\(index): &a\(index) {<<: *a\(index - 1)}\n" }
    let error = try refusal(text + "Profiles: {P: {Capabilities: *a100}}\n")
    #expect(error.explanation.contains("nested"))
  }

  @Test(
    "Keys that are aliases, lists or mappings are refused before they are compared",
    arguments: [
      "*a10 : 1", "*a10: 1", "? *a10\n: 1", "{*a10 : 1}", "{? *a10 : 1}", "[*a10, *a10]: 1",
      "{[*a10]:1}", "{{a: *a10}: 1}", "{?*a10 : 1}",
    ])
  func keyBomb(_ key: String) throws {
    let text = bomb(leaf: "x") { alias in
      "[" + Array(repeating: alias, count: 10).joined(separator: ", ") + "]"
    }
    let error = try refusal(text + "Profiles: {P: {Consortium: C}}\n" + key + "\n")
    #expect(error.kind == .malformedYAML)
    #expect(error.line == 13)
  }

  @Test(
    "Brackets, stars and question marks in texts and comments are no keys",
    arguments: [
      "\"[::1]:7050\"", "'*a : b'", "a? b", "x # *a : b", "\"a\\\"*b : c\"", "'it''s *a : b'",
      "[ '*a : b', \"]: \" ]",
    ])
  func harmlessText(_ value: String) throws {
    #expect(
      try document("Profiles: {P: {Orderer: {Addresses: \(value)\n}}}").profile("P").orderer
        != nil)
  }

  @Test("Deep nesting does not overflow the stack")
  func depth() throws {
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
      let nested =
        String(repeating: open, count: 900) + "x" + String(repeating: close, count: 900)
      _ = try refusal("Profiles: {P: {Application: {Organizations: \(nested)}}}\n")
      _ = try refusal(String(repeating: open, count: 100_000))
    }
  }

  @Test(
    "What is no configtx.yaml is refused",
    arguments: [
      "", "- a", "just text", "Profiles:", "Profiles: []", "a: [", "\t", "a: b\n---\nc: d",
      "Profiles: {P: {<<: x}}", "Profiles: {P: {<<: [{}, x]}}", "Profiles: {P: *unknown}",
      "Profiles: {P: {}, P: {}}", "\0", "%YAML 9.9",
    ])
  func nonsense(_ text: String) throws {
    _ = try refusal(text)
  }

  @Test("A file of more than a megabyte is refused unparsed")
  func size() throws {
    let text = "Profiles: {P: {}}\n" + String(repeating: "#\n", count: 1 << 19)
    #expect(try refusal(text).explanation.contains("bytes"))
  }

  @Test("Random damage to a real file is an error or a profile, never a crash")
  func mutations() throws {
    var generator = SplitMix64(seed: 42)
    let original = try TestData.fixture("configtx/configtx.yaml")
    for _ in 0..<400 {
      var bytes = original
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        let index = Int.random(in: bytes.indices, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[index] = UInt8.random(in: 0...127, using: &generator)
        case 1: bytes.remove(at: index)
        default:
          bytes.insert("*&:{}[]<-? \n'\"".utf8.randomElement(using: &generator) ?? 0, at: index)
        }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      guard let document = try? document(text) else { continue }
      for name in document.names { _ = try? document.profile(name) }
    }
  }
}
