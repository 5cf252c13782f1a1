// Paths relative to a folder.

import Testing

@testable import YAMLSettings

@Suite struct ConfigurationPathTests {
  @Test(
    "Relative paths are below the folder",
    arguments: [
      ("msp", "/cfg/msp"), ("./a/../b", "/cfg/b"), ("/abs//x", "/abs//x"), ("../up", "/up"),
      ("../../..", "/"), ("a/", "/cfg/a"),
    ])
  func paths(path: String, expected: String) {
    #expect(ConfigurationPath.resolve(path, against: "/cfg") == expected)
  }
}
