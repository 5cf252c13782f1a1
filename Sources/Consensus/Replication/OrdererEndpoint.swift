// Where a channel's configuration says that its orderers are.

import ChannelConfig

/// An orderer that clients and other orderers may ask for blocks.
package struct OrdererEndpoint: Sendable, Hashable, CustomStringConvertible {
  /// The most endpoints of one channel that are asked. More are passed over.
  package static let maximum = 128

  /// As the configuration has it, usually `host:port`.
  package let address: String
  /// The authorities that its TLS certificate may come from, in DER.
  package let tlsRoots: [[UInt8]]

  package init(address: String, tlsRoots: [[UInt8]]) {
    self.address = address
    self.tlsRoots = tlsRoots
  }

  package var description: String { address }

  /// The orderers of a channel, each address once: those that the orderer organizations list, each with the TLS
  /// authorities of its organization; if they list none, the global addresses with the authorities of
  /// all of them (Fabric: `cluster.EndpointconfigFromConfigBlock`).
  package static func all(in bundle: ConfigBundle) -> [OrdererEndpoint] {
    let organizations = (bundle.orderer?.organizations ?? [:]).sorted { $0.key < $1.key }
      .map(\.value)
    var endpoints = organizations.flatMap { organization in
      organization.endpoints.map {
        OrdererEndpoint(address: $0, tlsRoots: organization.tlsAuthorities)
      }
    }
    if endpoints.isEmpty {
      let roots = organizations.flatMap(\.tlsAuthorities)
      endpoints = bundle.channel.ordererAddresses.map {
        OrdererEndpoint(address: $0, tlsRoots: roots)
      }
    }
    var known: Set<String> = []
    return Array(endpoints.filter { known.insert($0.address).inserted }.prefix(maximum))
  }

  /// Host and port; nil if the address is not of the form `host:port`, or `[host]:port` for IPv6.
  package var hostAndPort: (host: String, port: Int)? {
    guard let colon = address.lastIndex(of: ":"),
      let port = UInt16(address[address.index(after: colon)...]), port > 0
    else { return nil }
    var host = address[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    return host.isEmpty ? nil : (String(host), Int(port))
  }
}

extension OrganizationConfig {
  fileprivate var tlsAuthorities: [[UInt8]] { tlsRootCertificates + tlsIntermediateCertificates }
}
