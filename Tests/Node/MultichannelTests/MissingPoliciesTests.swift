// Operators are warned of configurations that lack what nodes ask for.

import BlockLedger
import ChannelConfig
import Logging
import ProcessingFixtures
import TestSupport
import Testing

@testable import Multichannel

@Suite struct MissingPoliciesTests {
  private func warnings(_ edit: (String) -> Bool) throws -> [String] {
    var config = try Fixtures.genesisConfig("system-solo-v20")
    for name in config.channelGroup.policies.keys where edit(name) {
      config.channelGroup.policies[name] = nil
    }
    let log = TestLog()
    try ConfigBundle(channelID: "syschannel", config: config).warnOfMissingPolicies(log.logger)
    return log.all.filter { $0.hasPrefix("warning ") }
  }

  @Test func aCompleteConfigurationIsNotWorthAWord() throws {
    #expect(try warnings { _ in false }.isEmpty)
  }

  @Test func whatIsMissingIsNamed() throws {
    let found = try warnings { $0 == "Writers" }
    #expect(found.count == 1)
    #expect(found.first?.contains("has no policy '/Channel/Writers'") == true)
    #expect(found.first?.contains("[channel: syschannel]") == true)
  }

  @Test func aChannelThatComesIntoServiceIsLookedAt() async throws {
    let log = TestLog()
    let registrar = try RegistrarTests.registrar(
      RAMLedgerFactory(historySize: 100), logger: log.logger)
    try await registrar.initialize(
      TakenOverLedgerTests.edited(RegistrarTests.genesis("system-solo-v20")) {
        $0.policies["Readers"] = nil
      })
    #expect(log.all.contains { $0.contains("has no policy '/Channel/Readers'") })
    await registrar.halt()
  }
}
