// What the settings below Consensus become for the Raft consenter.

import OrdererConfiguration
import RaftConsensus
import TestSupport
import Testing

@testable import OrdererServer

@Suite struct RaftSettingsTests {
  private let folder = Repository.crypto.appending(path: "orderer.test/nodes")

  private func certificate(_ node: Int) -> String {
    folder.appending(path: "node\(node)/tls/server.crt").path
  }

  @Test func foldersAndIntervalsAreThoseOfTheConfiguration() throws {
    var configuration = OrdererConfiguration()
    configuration.consensus.walDir = "/wal"
    configuration.consensus.snapDir = "/snap"
    configuration.consensus.tickIntervalOverride = .milliseconds(100)
    configuration.consensus.evictionSuspicion = .seconds(5)
    let settings = try RaftSettings(configuration)
    #expect(settings.logDirectory == "/wal")
    #expect(settings.snapshotDirectory == "/snap")
    #expect(settings.tickIntervalOverride == .milliseconds(100))
    #expect(settings.evictionSuspicion == .seconds(5))
    #expect(settings.serverCertificate == nil)
  }

  @Test func theNodeIsKnownByTheCertificateOfTheClientPort() throws {
    var configuration = OrdererConfiguration()
    configuration.general.tls.enabled = true
    configuration.general.tls.certificate = certificate(1)
    let settings = try RaftSettings(configuration)
    #expect(settings.serverCertificate?.starts(with: Array("-----BEGIN".utf8)) == true)
  }

  @Test func aListenerOfTheClustersOwnHasTheCertificateThatCounts() throws {
    var configuration = OrdererConfiguration()
    configuration.general.tls.enabled = true
    configuration.general.tls.certificate = certificate(1)
    let client = try RaftSettings(configuration).serverCertificate
    configuration.general.cluster.listenAddress = "127.0.0.1"
    configuration.general.cluster.listenPort = 7051
    configuration.general.cluster.serverCertificate = certificate(2)
    configuration.general.cluster.serverPrivateKey = "unused"
    let cluster = try RaftSettings(configuration).serverCertificate
    #expect(cluster != nil)
    #expect(cluster != client)
  }

  @Test func whatCannotBeUsedEndsTheStart() {
    var configuration = OrdererConfiguration()
    configuration.consensus.tickIntervalOverride = .zero
    #expect(throws: StartupError.self) { try RaftSettings(configuration) }
    configuration.consensus.tickIntervalOverride = nil
    configuration.general.tls.enabled = true
    configuration.general.tls.certificate = "/nowhere"
    #expect(throws: StartupError.self) { try RaftSettings(configuration) }
  }
}
