// Whom the ports and the connections of this node trust, as its channels change.

import ChannelConfig
import GRPCTransport
import Logging
import Membership
import Synchronization

/// The certificate authorities of the configuration and of every channel's organizations (Fabric: `caManager` and
/// `updateClusterDialer`).
///
/// Clients may come from any organization of any channel; ordering nodes from those of its orderer group.
final class TLSTrust: Sendable {
  /// A port whose clients must show certificates.
  private struct Port {
    let server: GRPCServer
    let configured: [[UInt8]]
    let timeShift: Duration
  }

  private struct State {
    var clients = RootTally()
    var orderers = RootTally()
    var ports: [Port] = []
    /// Made of `orderers` and the configured roots when it is asked for.
    var dialling: (trust: TLSPeerTrust, configured: [[UInt8]])?
  }

  /// What a port judges clients with until it is attached.
  static let nobody: GRPCServerTLS.Verification = { _ in
    "x509: this node does not know its channels yet"
  }

  private let now: @Sendable () -> Int64
  private let logger: Logger
  private let state = Mutex(State())

  /// - Parameter now: Seconds since 1970.
  init(now: @escaping @Sendable () -> Int64, logger: Logger) {
    self.now = now
    self.logger = logger
  }

  // MARK: Channels

  /// A channel has a new configuration.
  func update(_ bundle: ConfigBundle) {
    let orderers = bundle.orderer.map { Array($0.organizations.values) } ?? []
    set(
      clients: bundle.mspManager.msps.values.flatMap {
        $0.tlsRootCertificates + $0.tlsIntermediateCertificates
      },
      orderers: orderers.flatMap { $0.tlsRootCertificates + $0.tlsIntermediateCertificates },
      of: bundle.channelID)
  }

  /// A channel is no longer here.
  func forget(_ channelID: String) { set(clients: [], orderers: [], of: channelID) }

  private func set(clients: [[UInt8]], orderers: [[UInt8]], of channelID: String) {
    let changed = state.withLock { state in
      if state.orderers.set(orderers, of: channelID) { state.dialling = nil }
      return state.clients.set(clients, of: channelID)
    }
    if changed { apply() }
  }

  // MARK: Ports

  /// Begins to judge the clients of a port, or goes on with other authorities beside those of the channels.
  ///
  /// - Parameter configured: Authorities beside those of the channels, in PEM.
  /// - Throws: `TLSCertificateProblem` if they cannot be read.
  func attach(
    _ server: GRPCServer, configured: [[UInt8]], timeShift: Duration
  ) throws(TLSCertificateProblem) {
    _ = try TLSPeerTrust(roots: configured, timeShift: timeShift, now: now)
    let isNew = state.withLock { state in
      let index = state.ports.firstIndex { $0.server === server }
      guard index.map({ state.ports[$0].configured != configured }) ?? true else { return false }
      if let index { state.ports.remove(at: index) }
      state.ports.append(Port(server: server, configured: configured, timeShift: timeShift))
      return true
    }
    if isNew { apply() }
  }

  /// - Throws: If these authorities, in PEM, cannot be read.
  func check(_ roots: [[UInt8]]) throws(TLSCertificateProblem) {
    _ = try TLSPeerTrust(roots: roots, timeShift: .zero, now: now)
  }

  private func apply() {
    // While a node starts, one channel after the other brings its roots, and no port is there yet.
    let (ports, roots) = state.withLock { ($0.ports, $0.ports.isEmpty ? [] : $0.clients.roots) }
    for port in ports {
      do {
        let trust = try TLSPeerTrust(
          roots: port.configured + roots, timeShift: port.timeShift, now: now)
        try port.server.updateClientVerification { trust.refusal(of: $0, as: .client) }
      } catch {
        logger.error("The TLS roots of the channels cannot be used, the old ones stay: \(error)")
      }
    }
  }

  // MARK: Connections

  /// Who is trusted as another ordering node.
  ///
  /// - Throws: `TLSCertificateProblem` if a root of the configuration cannot be read.
  func orderers(
    _ cluster: ClusterTLS
  ) throws(TLSCertificateProblem) -> TLSPeerTrust {
    try state.withLock { state throws(TLSCertificateProblem) in
      if let made = state.dialling, made.configured == cluster.roots { return made.trust }
      let trust = try TLSPeerTrust(
        roots: cluster.roots + state.orderers.roots, timeShift: cluster.timeShift, now: now)
      state.dialling = (trust, cluster.roots)
      return trust
    }
  }

  /// Who is trusted as an ordering node that has a certificate from these authorities.
  ///
  /// - Parameter roots: Each a certificate in DER, or PEM text of one or more.
  func orderers(
    _ cluster: ClusterTLS, from roots: [[UInt8]]
  ) throws(TLSCertificateProblem) -> TLSPeerTrust {
    try TLSPeerTrust(roots: cluster.roots + roots, timeShift: cluster.timeShift, now: now)
  }
}
