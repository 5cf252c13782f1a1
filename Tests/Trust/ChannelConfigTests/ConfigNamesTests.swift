// Which names channels, config elements and mod policies may have.

import Testing

@testable import ChannelConfig

@Suite("A name")
struct ConfigNamesTests {
  static let longest = String(repeating: "a", count: 249)

  @Test("of a channel that Fabric allows is allowed", arguments: ["a", "a-b.c9", "foo", longest])
  func acceptsChannel(name: String) throws { try ChannelName.check(name) }

  @Test(
    "of a channel that Fabric refuses is refused",
    arguments: [
      "", "A", "9a", "-a", ".a", "a_b", "aB", "a b", "a/b", "ä", "a\u{301}", "a\n", longest + "a",
    ])
  func refusesChannel(name: String) {
    #expect(throws: ConfigError.self) { try ChannelName.check(name) }
  }

  @Test(
    "of an element that Fabric allows is allowed", arguments: ["A", "9", "-", "...", "Org1.x-y"])
  func acceptsElement(name: String) throws { try ConfigNames.validateConfigID(name) }

  @Test(
    "of an element that Fabric refuses is refused",
    arguments: ["", ".", "..", "a_b", "a b", "a/b", "ä", "a\u{301}", "@", "[", "`", longest + "a"])
  func refusesElement(name: String) {
    #expect(throws: ConfigError.self) { try ConfigNames.validateConfigID(name) }
  }

  @Test("of a mod policy is a path", arguments: ["Admins", "/Channel/Admins", "a/b", "/a"])
  func acceptsModPolicy(path: String) throws { try ConfigNames.validateModPolicy(path) }

  @Test(
    "of a mod policy has no empty or illegal parts",
    arguments: ["", "/", "//a", "a/", "a//b", "/Channel/..", "a b", "/Channel/Ädmins"])
  func refusesModPolicy(path: String) {
    #expect(throws: ConfigError.self) { try ConfigNames.validateModPolicy(path) }
  }
}
