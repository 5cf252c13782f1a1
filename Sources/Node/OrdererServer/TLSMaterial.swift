// TLS of the ports: what the configuration names, and the roots that channels bring.

import ChannelConfig
import GRPCTransport
import GoText
import HTTPTransport
import Logging
import Membership
import OrdererConfiguration
import Storage
import Synchronization

enum TLSMaterial {
  /// Largest PEM file that is read, in bytes.
  static let maximumFileSize = 4 << 20

  /// The server's TLS settings; nil if TLS is off.
  ///
  /// - Throws: ``StartupError`` naming the setting and the file.
  static func load(_ tls: OrdererConfiguration.TLS) throws -> GRPCServerTLS? {
    guard tls.enabled else { return nil }
    let authentication: GRPCServerTLS.ClientAuthentication =
      tls.clientAuthRequired ? .required(trustRoots: try clientRoots(tls)) : .none
    return GRPCServerTLS(
      certificateChain: try read(tls.certificate, setting: "General.TLS.Certificate"),
      privateKey: try read(tls.privateKey, setting: "General.TLS.PrivateKey"),
      clientAuthentication: authentication)
  }

  /// The TLS settings of the operations service; nil if its TLS is off.
  ///
  /// - Throws: ``StartupError`` naming the setting and the file.
  static func operations(
    _ tls: OrdererConfiguration.TLS, now: @escaping @Sendable () -> UnixTime = UnixTime.now
  ) throws -> HTTPServerTLS? {
    try httpServer(tls, section: "Operations.TLS") { now().seconds }
  }

  /// The TLS settings of the admin service; nil if its TLS is off. Clients' certificates are judged as of the time
  /// that `TLSHandshakeTimeShift` tells, as in 3.1; a negative one has no effect there either.
  ///
  /// - Throws: ``StartupError`` naming the setting and the file.
  static func administration(
    _ tls: OrdererConfiguration.TLS, now: @escaping @Sendable () -> UnixTime = UnixTime.now
  ) throws -> HTTPServerTLS? {
    let shift = max(tls.tlsHandshakeTimeShift, .zero).components.seconds
    return try httpServer(tls, section: "Admin.TLS") { now().seconds - shift }
  }

  /// - Parameter judgedAt: The time as of which clients' certificates are judged, in seconds since 1970.
  private static func httpServer(
    _ tls: OrdererConfiguration.TLS, section: String, judgedAt: @escaping @Sendable () -> Int64
  ) throws -> HTTPServerTLS? {
    guard tls.enabled else { return nil }
    let clientRoots = try tls.clientRootCAs.map {
      try read($0, setting: "\(section).ClientRootCAs")
    }
    let authorities = TLSAuthorities(clientRoots: clientRoots)
    return HTTPServerTLS(
      certificateChain: try read(tls.certificate, setting: "\(section).Certificate"),
      privateKey: try read(tls.privateKey, setting: "\(section).PrivateKey"),
      clientRoots: clientRoots, requiresClientCertificate: tls.clientAuthRequired,
      clientVerification: { certificates in
        do throws(TLSCertificateProblem) {
          try authorities.check(client: certificates, now: judgedAt())
          return nil
        } catch {
          return "\(error)"
        }
      })
  }

  /// The certificate of the port that other orderers connect to, in PEM; nil without TLS.
  ///
  /// - Throws: ``StartupError`` naming the setting and the file.
  static func clusterCertificate(_ general: OrdererConfiguration.General) throws -> [UInt8]? {
    if general.cluster.hasOwnListener {
      return try read(
        general.cluster.serverCertificate, setting: "General.Cluster.ServerCertificate")
    }
    guard general.tls.enabled else { return nil }
    return try read(general.tls.certificate, setting: "General.TLS.Certificate")
  }

  /// The contents of the files in `General.TLS.ClientRootCAs`.
  static func clientRoots(_ tls: OrdererConfiguration.TLS) throws -> [[UInt8]] {
    try tls.clientRootCAs.map { try read($0, setting: "General.TLS.ClientRootCAs") }
  }

  private static func read(_ path: String, setting: String) throws -> [UInt8] {
    do {
      return try BoundedFile.read(path, limit: maximumFileSize)
    } catch {
      throw StartupError(
        "Failed to load the TLS file of \(setting), '\(path)': \(error.reason)")
    }
  }
}

/// Which certificate authorities client certificates may come from: those of the configuration and
/// those of every channel's organizations, as the channels change (Fabric: `caManager`).
final class ClientTrust: Sendable {
  /// A certificate that is told from others quickly: its signature is at its end.
  private struct Root: Hashable {
    let certificate: [UInt8]

    func hash(into hasher: inout Hasher) {
      hasher.combine(certificate.count)
      for byte in certificate.suffix(16) { hasher.combine(byte) }
    }
  }

  private struct State {
    var rootsByChannel: [String: Set<Root>] = [:]
    /// How many channels bring a root: the same authorities appear in many.
    var uses: [Root: Int] = [:]
    var server: GRPCServer?
  }

  private let configured: [[UInt8]]
  private let logger: Logger
  private let state = Mutex(State())

  init(configured: [[UInt8]], logger: Logger) {
    self.configured = configured
    self.logger = logger
  }

  /// Begins to keep a server's roots up to date.
  func attach(_ server: GRPCServer) {
    state.withLock { $0.server = server }
    apply()
  }

  /// A channel has a new configuration.
  func update(_ bundle: ConfigBundle) {
    set(
      bundle.mspManager.msps.values.flatMap {
        $0.tlsRootCertificates + $0.tlsIntermediateCertificates
      }, of: bundle.channelID)
  }

  /// A channel is no longer here.
  func forget(_ channelID: String) { set([], of: channelID) }

  private func set(_ roots: [[UInt8]], of channelID: String) {
    let changed = state.withLock { state in
      let new = Set(roots.map(Root.init))
      let old = state.rootsByChannel.updateValue(new, forKey: channelID) ?? []
      if new.isEmpty { state.rootsByChannel[channelID] = nil }
      var changed = false
      for root in new.subtracting(old) {
        state.uses[root, default: 0] += 1
        changed = changed || state.uses[root] == 1
      }
      for root in old.subtracting(new) {
        let left = (state.uses[root] ?? 1) - 1
        state.uses[root] = left > 0 ? left : nil
        changed = changed || left == 0
      }
      return changed
    }
    if changed { apply() }
  }

  private func apply() {
    let (server, roots) = state.withLock { state in
      // While a node starts, one channel after the other brings its roots, and no server is there yet.
      (state.server, state.server == nil ? [] : state.uses.keys.map(\.certificate) + configured)
    }
    do {
      try server?.updateClientTrustRoots(roots)
    } catch {
      logger.error("The TLS roots of the channels cannot be used, the old ones stay: \(error)")
    }
  }
}
