// Who takes part in which channel.

import Membership
import Ordering
import Testing

@testable import Cluster

@Suite struct MemberRegistryTests {
  private func entry(_ id: UInt64, node: Int, port: UInt32 = 7050) throws -> MemberRegistry.Entry {
    MemberRegistry.Entry(try member(id, node: node, port: port))
  }

  private func key(_ node: Int) throws -> [UInt8] {
    try TLSCertificate(pem: certificate(node)).subjectPublicKeyInfo
  }

  @Test func sendersAreKnownByTheirKeysOnEachChannel() throws {
    var registry = MemberRegistry()
    _ = registry.set([try entry(2, node: 2), try entry(3, node: 3)], of: "alpha")
    _ = registry.set([try entry(7, node: 2)], of: "beta")
    #expect(try registry.sender(on: "alpha", key: key(2)) == 2)
    #expect(try registry.sender(on: "beta", key: key(2)) == 7)
    #expect(try registry.sender(on: "alpha", key: key(3)) == 3)
  }

  @Test func refusesInTheOrderAndWordsOfGo() throws {
    var registry = MemberRegistry()
    _ = registry.set([try entry(2, node: 2)], of: "alpha")
    func refusal(_ channel: String, _ key: [UInt8]?) -> String? {
      do throws(ClusterRefusal) {
        _ = try registry.sender(on: channel, key: key)
        return nil
      } catch { return error.description }
    }
    #expect(refusal("", nil) == "badly formatted message, cannot extract channel")
    #expect(refusal("beta", nil) == "channel beta doesn't exist")
    #expect(refusal("alpha", nil) == "no TLS certificate sent")
    #expect(
      refusal("alpha", try key(3))
        == "certificate extracted from TLS connection isn't authorized")
    #expect(registry.remove("alpha").count == 1)
    #expect(refusal("alpha", try key(2)) == "channel alpha doesn't exist")
  }

  @Test func whoIsReachedInTheSameWayKeepsItsStreams() throws {
    var registry = MemberRegistry()
    var change = registry.set([try entry(2, node: 2), try entry(3, node: 3)], of: "alpha")
    #expect(change.gone.isEmpty && change.new.map(\.member.id) == [2, 3])
    change = registry.set(
      [try entry(2, node: 2), try entry(3, node: 3, port: 8050), try entry(4, node: 1)],
      of: "alpha")
    #expect(change.gone.map(\.member.id) == [3] && change.new.map(\.member.id) == [3, 4])
    change = registry.set([try entry(2, node: 2)], of: "alpha")
    #expect(change.gone.map(\.member.id) == [3, 4] && change.new.isEmpty)
  }

  @Test func whoKnowsThisNodeByAnotherCertificateIsReachedAnew() throws {
    func entry(_ own: Int?) throws -> MemberRegistry.Entry {
      MemberRegistry.Entry(
        try member(2, node: 2), ownCertificate: try own.map { try certificate($0) })
    }
    var registry = MemberRegistry()
    _ = registry.set([try entry(1)], of: "alpha")
    var change = registry.set([try entry(1)], of: "alpha")
    #expect(change.new.isEmpty && change.gone.isEmpty)
    change = registry.set([try entry(4)], of: "alpha")
    #expect(change.gone.map(\.member.id) == [2] && change.new.map(\.member.id) == [2])
    #expect(change.gone[0].server != change.new[0].server)
  }

  @Test func aCertificateThatCannotBeReadShutsNobodyElseOut() throws {
    var registry = MemberRegistry()
    let broken = ClusterMember(
      id: 3, host: "x", port: 1, serverCertificate: [1], clientCertificate: [])
    let change = registry.set([try entry(2, node: 2), MemberRegistry.Entry(broken)], of: "alpha")
    #expect(change.new.map { $0.server == nil } == [false, true])
    #expect(try registry.sender(on: "alpha", key: key(2)) == 2)
  }
}
