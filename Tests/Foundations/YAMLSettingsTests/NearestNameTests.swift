// The name that somebody has mistyped.

import Testing

@testable import YAMLSettings

@Suite struct NearestNameTests {
  @Test(
    "The edit distance counts slips",
    arguments: [
      ("", "", 0), ("abc", "", 3), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "acb", 1),
      ("abc", "ab", 1), ("kitten", "sitting", 3),
    ])
  func distances(left: String, right: String, expected: Int) {
    #expect(NearestName.distance(left, right) == expected)
    #expect(NearestName.distance(right, left) == expected)
  }

  @Test(
    "A name has the nearest known one as its suggestion, if one is near",
    arguments: [
      ("General.ListenPrt", "General.ListenPort"), ("ListenPort", "General.ListenPort"),
      ("Generl", "General"), ("general.listenport", "General.ListenPort"), ("Nothing", nil),
    ] as [(String, String?)])
  func suggestions(name: String, expected: String?) {
    let known = ["General", "General.ListenPort", "General.LedgerType"]
    #expect(NearestName.suggestion(for: name, among: known) == expected)
  }
}
