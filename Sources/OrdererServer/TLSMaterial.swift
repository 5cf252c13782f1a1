// The client port's TLS: what the configuration names, and the roots that channels bring.

import ChannelConfig
import Foundation
import GRPCTransport
import Logging
import OrdererConfiguration
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
      certificateChain: .pem(try read(tls.certificate, setting: "General.TLS.Certificate")),
      privateKey: .pem(try read(tls.privateKey, setting: "General.TLS.PrivateKey")),
      clientAuthentication: authentication)
  }

  /// The contents of the files in `General.TLS.ClientRootCAs`.
  static func clientRoots(_ tls: OrdererConfiguration.TLS) throws -> [[UInt8]] {
    try tls.clientRootCAs.map { try read($0, setting: "General.TLS.ClientRootCAs") }
  }

  private static func read(_ path: String, setting: String) throws -> [UInt8] {
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      return [UInt8](try handle.read(upToCount: maximumFileSize) ?? Data())
    } catch {
      throw StartupError(
        "Failed to load the TLS file of \(setting), '\(path)': \(error.localizedDescription)")
    }
  }
}

/// Which certificate authorities client certificates may come from: those of the configuration and
/// those of every channel's organizations, as the channels change (Fabric: `caManager`).
final class ClientTrust: Sendable {
  private struct State {
    var rootsByChannel: [String: [[UInt8]]] = [:]
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
    let roots = bundle.mspManager.msps.values.flatMap {
      $0.tlsRootCertificates + $0.tlsIntermediateCertificates
    }
    let changed = state.withLock { state in
      let known = state.rootsByChannel.updateValue(roots, forKey: bundle.channelID)
      return known.map(Set.init) != Set(roots)
    }
    if changed { apply() }
  }

  private func apply() {
    let (server, roots) = state.withLock { state in
      // The same authorities appear in many channels.
      (state.server, Array(Set(state.rootsByChannel.values.joined())) + configured)
    }
    do {
      try server?.updateClientTrustRoots(roots)
    } catch {
      logger.error("The TLS roots of the channels cannot be used, the old ones stay: \(error)")
    }
  }
}
