// An operator is told of settings that have no effect.

import OrdererConfiguration
import Testing

@testable import OrdererServer

@Suite struct UnservedSettingsTests {
  @Test func theDefaultsNeedNoNotice() throws {
    #expect(UnservedSettings.notices(OrdererConfiguration()) == [])
    try UnservedSettings.refuse(OrdererConfiguration())
  }

  @Test func whatIsAskedForAndMissingIsNamed() {
    var configuration = OrdererConfiguration()
    configuration.general.throttling.rate = 10
    let notices = UnservedSettings.notices(configuration)
    #expect(notices.count == 1)
    #expect(notices.contains { $0.hasPrefix("General.Throttling.Rate is set") })
  }

  @Test func keysInHardwareAreRefusedRatherThanReadFromFiles() {
    var configuration = OrdererConfiguration()
    configuration.general.bccsp.provider = .pkcs11
    #expect(throws: StartupError.self) { try UnservedSettings.refuse(configuration) }
  }
}
