// Which key pair this node shows while its files and its channels change, in whatever order.

import FabricProtos
import Foundation
import OrdererConfiguration
import RaftConsensus
import Synchronization
import TestSupport
import Testing

@testable import OrdererServer

@Suite struct OwnKeysTests {
  private let log = TestLog()

  private static func path(_ node: Int, _ file: String) -> String {
    Repository.crypto.appending(path: "orderer.test/nodes/node\(node)/tls/\(file)").path
  }

  /// What the files hold if they are those of a node of the fixtures.
  private func files(_ node: Int) throws -> ClusterTLS {
    var general = OrdererConfiguration().general
    general.tls.enabled = true
    general.tls.certificate = Self.path(node, "server.crt")
    general.tls.privateKey = Self.path(node, "server.key")
    return try #require(try ClusterTLS(general))
  }

  private func config(_ nodes: Int...) throws -> RaftConfig {
    var metadata = Etcdraft_ConfigMetadata()
    metadata.consenters = try nodes.map { node in
      var consenter = Etcdraft_Consenter()
      consenter.serverTlsCert = try Data(contentsOf: URL(filePath: Self.path(node, "server.crt")))
      consenter.clientTlsCert = consenter.serverTlsCert
      return consenter
    }
    return RaftConfig(metadata)
  }

  /// The node's keys, and what its port was told to show.
  private func keys(_ node: Int) throws -> (OwnKeys, shown: Shown) {
    let (keys, shown) = (OwnKeys(try files(node), logger: log.logger), Shown())
    keys.attach { shown.pairs.append($0) }
    return (keys, shown)
  }

  private final class Shown: Sendable {
    private let told = Mutex<[KeyPair]>([])
    var pairs: [KeyPair] {
      get { told.withLock { $0 } }
      set { told.withLock { $0 = newValue } }
    }
  }

  @Test func aPairThatNoChannelKnowsTheOldOneOfIsShownAtOnce() throws {
    let (keys, shown) = try keys(1)
    keys.renew(try files(2))
    #expect(shown.pairs == [try files(2).server])
    #expect(keys.consenterKeys == [try files(2).server.key])
  }

  @Test func renewedFilesWaitForTheFirstChannelThatNamesThem() throws {
    let (keys, shown) = try keys(1)
    keys.update(try config(1, 3), of: "a")
    keys.update(try config(1, 3), of: "b")
    keys.renew(try files(2))
    #expect(shown.pairs.isEmpty)
    #expect(log.all.contains { $0.contains("once a channel's configuration names it") })
    #expect(keys.consenterKeys == [try files(2).server.key, try files(1).server.key])
    keys.update(try config(2, 3), of: "a")
    #expect(shown.pairs == [try files(2).server])
    // Channels that are not updated yet know the node by what it had before.
    #expect(keys.client(for: try files(1).client.certificate) == (try files(1).client))
    keys.update(try config(3, 2), of: "b")
    #expect(keys.client(for: try files(1).client.certificate) == nil)
    #expect(keys.consenterKeys == [try files(2).server.key])
    #expect(shown.pairs.count == 1)
  }

  @Test func aChannelMayBeUpdatedBeforeTheFiles() throws {
    let (keys, shown) = try keys(1)
    keys.update(try config(1, 3), of: "a")
    keys.update(try config(2, 3), of: "a")
    #expect(shown.pairs.isEmpty)
    #expect(keys.client(for: try files(2).client.certificate) == nil)
    keys.renew(try files(2))
    #expect(shown.pairs == [try files(2).server])
    #expect(keys.client(for: try files(2).client.certificate) == (try files(2).client))
  }

  @Test func renewalsThatNoChannelComesToKnowDoNotPileUp() throws {
    let (keys, shown) = try keys(1)
    keys.update(try config(1), of: "a")
    for node in [2, 3, 4, 2, 3] { keys.renew(try files(node)) }
    #expect(shown.pairs.isEmpty)
    #expect(keys.consenterKeys == [try files(3).server.key, try files(1).server.key])
    // The files are as they were.
    keys.renew(try files(1))
    #expect(keys.consenterKeys == [try files(1).server.key])
    #expect(shown.pairs.isEmpty)
  }

  @Test func aChannelThatIsGoneHoldsNothingBack() throws {
    let (keys, shown) = try keys(1)
    keys.update(try config(1), of: "a")
    keys.renew(try files(2))
    keys.forget("a")
    #expect(shown.pairs == [try files(2).server])
  }

  @Test func whatThePortDoesNotTakeIsTriedAgain() throws {
    struct Refused: Error {}
    let keys = OwnKeys(try files(1), logger: log.logger)
    let shown = Shown()
    keys.attach {
      shown.pairs.append($0)
      if shown.pairs.count == 1 { throw Refused() }
    }
    keys.renew(try files(2))
    keys.update(try config(2), of: "a")
    keys.update(try config(2, 3), of: "a")
    #expect(shown.pairs.count == 2)
    #expect(log.all.filter { $0.hasPrefix("error") }.count == 1)
  }

  @Test func aNodeWithoutTLSHasNothingToShow() throws {
    let keys = OwnKeys(nil, logger: log.logger)
    keys.attach { _ in Issue.record("there is nothing to show") }
    keys.renew(try files(1))
    keys.update(try config(1), of: "a")
    #expect(keys.consenterKeys.isEmpty && keys.tls == nil)
  }
}
