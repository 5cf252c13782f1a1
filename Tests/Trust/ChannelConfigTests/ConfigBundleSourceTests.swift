// The holder of a channel's current config accepts only the config that follows.

import Testing

@testable import ChannelConfig

@Suite("The place of a channel's config")
struct ConfigBundleSourceTests {
  private func following(_ bundle: ConfigBundle, by steps: UInt64, channelID: String? = nil) throws
    -> ConfigBundle
  {
    var config = bundle.config
    config.sequence += steps
    return try ConfigBundle(channelID: channelID ?? bundle.channelID, config: config)
  }

  @Test("takes the config that follows by one update")
  func takesNext() throws {
    let bundle = try Fixtures.bundle()
    let source = ConfigBundleSource(bundle)
    let next = try following(bundle, by: 1)
    try source.update(next)
    #expect(source.current === next)
  }

  @Test("refuses one that was skipped to, an old one, and another channel's")
  func refusesOthers() throws {
    let bundle = try following(Fixtures.bundle(), by: 5)
    let source = ConfigBundleSource(bundle)
    for other in [
      try following(bundle, by: 0), try following(bundle, by: 2), try Fixtures.bundle(),
      try following(bundle, by: 1, channelID: "other"),
    ] {
      #expect(throws: ConfigError.self) { try source.update(other) }
    }
    #expect(source.current === bundle)
  }
}
