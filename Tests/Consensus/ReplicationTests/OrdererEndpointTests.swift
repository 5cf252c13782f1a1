// Where a channel's orderers are.

import FabricProtos
import ProcessingFixtures
import ReplicationFixtures
import Testing

@testable import Replication

@Suite struct OrdererEndpointTests {
  @Test func organizationsListTheirOwnWithTheirAuthorities() throws {
    let chain = try MadeChain(orderers: ["b:2", "a:1", "b:2"]) {
      try $0.edit("OrdererAddresses", as: Common_OrdererAddresses.self) {
        $0.addresses = ["global:9"]
      }
    }
    let endpoints = OrdererEndpoint.all(in: chain.bundle)
    #expect(endpoints.map(\.address) == ["b:2", "a:1"])
    let organization = try #require(chain.bundle.orderer?.organizations.values.first)
    #expect(endpoints.allSatisfy { $0.tlsRoots == organization.tlsRootCertificates })
    #expect(endpoints.allSatisfy { !$0.tlsRoots.isEmpty })
  }

  @Test func globalAddressesCountWhereNobodyListsAny() throws {
    let chain = try MadeChain(orderers: []) {
      try $0.edit("OrdererAddresses", as: Common_OrdererAddresses.self) {
        $0.addresses = ["global:9", "other:8"]
      }
    }
    let endpoints = OrdererEndpoint.all(in: chain.bundle)
    #expect(endpoints.map(\.address) == ["global:9", "other:8"])
    #expect(endpoints.allSatisfy { !$0.tlsRoots.isEmpty })
  }

  @Test func thereIsABound() throws {
    let chain = try MadeChain(orderers: (1...1_000).map { "node\($0):7050" })
    #expect(OrdererEndpoint.all(in: chain.bundle).count == OrdererEndpoint.maximum)
  }

  @Test(arguments: [
    ("orderer.example.com:7050", "orderer.example.com", 7050), ("[::1]:80", "::1", 80),
    ("10.0.0.1:65535", "10.0.0.1", 65535),
  ])
  func addressesHaveHostAndPort(_ address: String, _ host: String, _ port: Int) throws {
    let parts = try #require(OrdererEndpoint(address: address, tlsRoots: []).hostAndPort)
    #expect(parts.host == host)
    #expect(parts.port == port)
  }

  @Test(arguments: ["", ":", "host", "host:", ":80", "host:0", "host:65536", "::1:80", "host:-1"])
  func otherTextIsNoAddress(_ address: String) {
    #expect(OrdererEndpoint(address: address, tlsRoots: []).hostAndPort == nil)
  }
}
