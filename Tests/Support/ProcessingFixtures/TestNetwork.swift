// A system channel and its application channels, without consensus and ledgers.

import ChannelConfig
import FabricProtos
import Foundation
import Logging
import Membership
import MessageProcessing
import Synchronization
import SystemChannel

/// A channel whose config the tests replace at will.
package final class TestChannel: ChannelResources {
  package let channelID: String
  package let signer: any Signer
  package let refusesMetadata: Mutex<Bool> = Mutex(false)
  /// Why another consenter refuses to begin.
  package let foundingRefusal: Mutex<String?> = Mutex(nil)
  package let runningConsensusType: String
  private let current: Mutex<ConfigBundle>

  package init(_ bundle: ConfigBundle, signer: any Signer) {
    channelID = bundle.channelID
    self.signer = signer
    runningConsensusType = bundle.orderer?.consensusType ?? ""
    current = Mutex(bundle)
  }

  package var bundle: ConfigBundle {
    get { current.withLock { $0 } }
    set { current.withLock { $0 = newValue } }
  }

  package func validateConsensusMetadata(
    current: OrdererGroupConfig, next: OrdererGroupConfig, isNewChannel: Bool
  ) throws(ProcessingError) {
    if refusesMetadata.withLock({ $0 }) {
      throw .badRequest("metadata refused, new channel: \(isNewChannel)")
    }
  }

  package func validateFounding(
    current: OrdererGroupConfig, next: OrdererGroupConfig
  ) throws(ProcessingError) {
    if let reason = foundingRefusal.withLock({ $0 }) { throw .badRequest(reason) }
  }

  /// Replaces the config by an edited one, past all rules.
  package func force(_ edit: (inout Common_ConfigGroup) throws -> Void) throws {
    var config = bundle.config
    try edit(&config.channelGroup)
    config.sequence += 1
    bundle = try ConfigBundle(channelID: channelID, config: config)
  }

  /// A config update that applies `edit`.
  package func update(
    by signers: [TestIdentity], submitter: TestIdentity? = nil,
    _ edit: (inout Common_ConfigGroup) throws -> Void
  ) throws -> EnvelopeView {
    try Messages.update(
      channelID, try ConfigDelta.update(bundle, edit), by: signers,
      submitter: try submitter ?? TestIdentity.ordererAdmin())
  }
}

/// Channels that the tests count and name at will.
package struct TestDirectory: ChannelDirectory {
  package var channelCount = 1
  package var names: Set<String> = []

  package init(channelCount: Int = 1, names: Set<String> = []) {
    self.channelCount = channelCount
    self.names = names
  }

  package func contains(_ channelID: String) -> Bool { names.contains(channelID) }
}

/// The time at which all tests take place: 2026-01-01.
package let testTime = Date(timeIntervalSince1970: 1_767_225_600)

extension ProcessingEnvironment {
  package static func test(checksExpiration: Bool = true, now: Date = testTime)
    -> ProcessingEnvironment
  {
    ProcessingEnvironment(
      checksExpiration: checksExpiration,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      now: { now }, nonce: { [UInt8](0..<24) })
  }
}

/// The capabilities that a test network has.
package enum Style: String, CaseIterable, Sendable {
  case v14, v20
}

/// A system channel with its processor.
package struct TestNetwork {
  package let style: Style
  package let system: TestChannel
  package let processor: SystemChannelProcessor

  package init(
    _ style: Style, directory: TestDirectory = TestDirectory(),
    environment: ProcessingEnvironment = .test(),
    edit: (inout Common_ConfigGroup) throws -> Void = { _ in }
  ) throws {
    self.style = style
    var config = try Fixtures.genesisConfig("system-solo-\(style)")
    try edit(&config.channelGroup)
    system = TestChannel(
      try ConfigBundle(channelID: "syschannel", config: config),
      signer: try TestIdentity.ordererNode())
    processor = SystemChannelProcessor(system, directory: directory, environment: environment)
  }

  /// A transaction that creates a channel of some organizations.
  package func creation(
    _ name: String = "newchannel", orgs: [String] = ["Org1", "Org2"],
    consortium: String? = nil, signers: [TestIdentity]? = nil, submitter: TestIdentity? = nil,
    edit: (inout Common_ConfigUpdate) -> Void = { _ in }
  ) throws -> EnvelopeView {
    var update = try creationUpdate(name, orgs: orgs, consortium: consortium)
    edit(&update)
    return try Messages.update(
      name, update, by: try signers ?? [TestIdentity.admin()],
      submitter: try submitter ?? TestIdentity.admin())
  }

  package func creationUpdate(
    _ name: String, orgs: [String] = ["Org1", "Org2"], consortium: String? = nil
  ) throws -> Common_ConfigUpdate {
    var update = try Fixtures.creationUpdate("channel-\(style)")
    update.channelID = name
    let members = Dictionary(uniqueKeysWithValues: orgs.map { ($0, Common_ConfigGroup()) })
    update.readSet[group: "Application"].groups = members
    update.writeSet[group: "Application"].groups = members
    if let consortium {
      var value = Common_Consortium()
      value.name = consortium
      update.readSet.values["Consortium"]?.value = try value.serializedData()
      update.writeSet.values["Consortium"]?.value = try value.serializedData()
    }
    return update
  }

  /// A channel made by the system channel's processor.
  package func channel(_ name: String = "newchannel", orgs: [String] = ["Org1", "Org2"]) throws
    -> TestChannel
  {
    let made = try processor.processConfigUpdate(
      try creation(name, orgs: orgs, signers: [TestIdentity.admin()]))
    let wrapped = Array(try EnvelopeView(made.configEnvelope).data)
    return TestChannel(try ConfigBundle(configEnvelope: wrapped), signer: system.signer)
  }
}

/// A message was taken that had to be refused.
package struct NotRefused: Error {}

/// Runs a body that must refuse, and returns the refusal.
///
/// - Throws: ``NotRefused``, or what the body throws if that is no refusal.
package func refusal<Value>(_ body: () throws -> Value) throws -> ProcessingError {
  do {
    _ = try body()
  } catch let error as ProcessingError {
    return error
  }
  throw NotRefused()
}
