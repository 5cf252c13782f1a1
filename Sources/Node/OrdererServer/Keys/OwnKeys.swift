// What this node shows to other orderers, as its files and the channels' configurations change.

import ChannelConfig
import Logging
import RaftConsensus
import Synchronization

/// The key pairs of a node towards other orderers: of the port that they connect to, and of the connections to them.
///
/// A renewed pair with another key is shown on the port once the configuration of a channel names it, and a connection
/// shows the pair by which its channel knows the node. So files may be renewed before the channels are updated or
/// afterwards, and channels one by one.
final class OwnKeys: Sendable {
  /// Shows a pair on the port that other orderers connect to.
  typealias Port = @Sendable (KeyPair) throws -> Void

  /// The keys of a channel's consenters.
  private struct Consenters {
    let servers: Set<ConsenterKey>
    let clients: Set<ConsenterKey>

    init(_ config: RaftConfig) {
      servers = Set(config.consenters.compactMap { ConsenterKey(pem: Array($0.serverTlsCert)) })
      clients = Set(config.consenters.compactMap { ConsenterKey(pem: Array($0.clientTlsCert)) })
    }
  }

  private struct Material {
    var tls: ClusterTLS
    var servers: KeyRing
    var clients: KeyRing
    /// What the port shows.
    var shown: KeyPair
  }

  private struct State {
    /// Nil if this node has no TLS.
    var material: Material?
    var channels: [String: Consenters] = [:]
    var port: Port?

    func namesServer(_ key: ConsenterKey) -> Bool {
      channels.values.contains { $0.servers.contains(key) }
    }

    func namesClient(_ key: ConsenterKey) -> Bool {
      channels.values.contains { $0.clients.contains(key) }
    }
  }

  private let state: Mutex<State>
  private let logger: Logger

  /// - Parameter tls: What the files hold at the start; nil if this node has no TLS.
  init(_ tls: ClusterTLS?, logger: Logger) {
    self.logger = logger
    let material = tls.map { tls in
      Material(
        tls: tls, servers: KeyRing(tls.server), clients: KeyRing(tls.client), shown: tls.server)
    }
    state = Mutex(State(material: material))
  }

  /// Begins to show what is to be shown on a port, which shows what the files held at the start.
  func attach(_ port: @escaping Port) {
    state.withLock { state in
      state.port = port
      settle(&state)
    }
  }

  // MARK: What changes

  /// The files hold this now.
  func renew(_ tls: ClusterTLS) {
    state.withLock { state in
      guard var material = state.material else { return }
      material.tls = tls
      let isNewServer = material.servers.renew(tls.server)
      _ = material.clients.renew(tls.client)
      state.material = material
      settle(&state)
      if isNewServer, state.material?.shown != tls.server {
        logger.info(
          """
          The renewed TLS certificate is shown to other orderers once a channel's configuration names it; until \
          then, they see the one that the channels know
          """)
      }
    }
  }

  /// A channel has a new configuration.
  func update(_ bundle: ConfigBundle) {
    guard let orderer = bundle.orderer, orderer.consensusType == RaftConfig.type,
      let config = try? RaftConfig(serialized: orderer.consensusMetadata)
    else { return forget(bundle.channelID) }
    update(config, of: bundle.channelID)
  }

  /// These consenters order a channel now.
  func update(_ config: RaftConfig, of channelID: String) {
    let consenters = Consenters(config)
    state.withLock { state in
      state.channels[channelID] = consenters
      settle(&state)
    }
  }

  /// A channel is no longer here.
  func forget(_ channelID: String) {
    state.withLock { state in
      guard state.channels.removeValue(forKey: channelID) != nil else { return }
      settle(&state)
    }
  }

  private func settle(_ state: inout State) {
    // Before the channels are open, nobody knows what they name.
    guard var material = state.material, let port = state.port else { return }
    let shown = material.servers.shown(state.namesServer)
    if shown != material.shown {
      do {
        try port(shown)
        material.shown = shown
        logger.info("The port for other orderers shows the renewed TLS certificate from now on")
      } catch {
        logger.error("The renewed TLS certificate cannot be shown to other orderers: \(error)")
      }
    }
    material.servers.forget(unless: state.namesServer)
    material.clients.forget(unless: state.namesClient)
    state.material = material
  }

  // MARK: What is asked for

  /// The keys by which other nodes may know this one, the newest first.
  var consenterKeys: [ConsenterKey] {
    state.withLock { $0.material?.servers.pairs.compactMap(\.key) ?? [] }
  }

  /// What the files hold; nil if this node has no TLS.
  var tls: ClusterTLS? { state.withLock { $0.material?.tls } }

  /// What this node shows to those who know it by a certificate, in DER; nil if it has no such pair.
  func client(for certificate: [UInt8]) -> KeyPair? {
    state.withLock { $0.material?.clients.pair(for: certificate) }
  }
}
