// What a node needs, depending on its channels.

import Logging
import OrdererConfiguration
import TestSupport
import Testing

@testable import OrdererServer

@Suite struct StartModeTests {
  private let log = TestLog()

  private func check(
    _ mode: StartMode, _ change: (inout OrdererConfiguration.General) -> Void = { _ in }
  ) throws {
    var general = OrdererConfiguration().general
    change(&general)
    try mode.check(general, logger: log.logger)
  }

  private static let listener: @Sendable (inout OrdererConfiguration.General) -> Void = {
    $0.cluster.listenAddress = "127.0.0.1"
    $0.cluster.listenPort = 7051
    $0.cluster.serverCertificate = "a"
    $0.cluster.serverPrivateKey = "b"
  }

  @Test(arguments: [
    StartMode.withoutSystemChannel,
    .systemChannel("s", consensusType: "etcdraft", hasClusters: true),
  ])
  func aNodeOfAClusterNeedsTLS(_ mode: StartMode) throws {
    #expect {
      try check(mode)
    } throws: {
      "\($0)".contains("TLS is required for running ordering nodes of cluster type.")
    }
    try check(mode) { $0.tls.enabled = true }
    try check(mode, Self.listener)
  }

  @Test func aListenerForTheClusterIsSetAltogether() throws {
    #expect {
      try check(.withoutSystemChannel) {
        Self.listener(&$0)
        $0.tls.enabled = true
        $0.cluster.serverPrivateKey = ""
      }
    } throws: {
      "\($0)".contains("should be defined altogether")
    }
  }

  @Test func otherNodesNeedNothing() throws {
    for hasClusters in [false, true] {
      try check(.systemChannel("s", consensusType: "solo", hasClusters: hasClusters))
    }
    try check(.unknown)
  }

  @Test func otherNodesAreServedIfSomeChannelIsAClusters() {
    #expect(!StartMode.systemChannel("s", consensusType: "kafka", hasClusters: false).isOfCluster)
    #expect(StartMode.systemChannel("s", consensusType: "kafka", hasClusters: true).isOfCluster)
    #expect(StartMode.systemChannel("s", consensusType: "etcdraft", hasClusters: false).isOfCluster)
  }
}
