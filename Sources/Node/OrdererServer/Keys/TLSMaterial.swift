// TLS of the ports: what the configuration names.

import GRPCTransport
import GoText
import HTTPTransport
import Membership
import OrdererConfiguration
import Storage

enum TLSMaterial {
  /// Largest PEM file that is read, in bytes.
  static let maximumFileSize = 4 << 20

  /// TLS of the client port; nil if it is off. Where clients have to show a certificate, none is let in before
  /// ``TLSTrust`` has judged who may come.
  ///
  /// - Throws: ``StartupError`` naming the setting and the file.
  static func load(_ tls: OrdererConfiguration.TLS) throws -> GRPCServerTLS? {
    guard tls.enabled else { return nil }
    return GRPCServerTLS(
      certificateChain: try read(tls.certificate, setting: "General.TLS.Certificate"),
      privateKey: try read(tls.privateKey, setting: "General.TLS.PrivateKey"),
      clientAuthentication: tls.clientAuthRequired ? .required(TLSTrust.nobody) : .requested)
  }

  /// The TLS settings of the operations service; nil if its TLS is off.
  ///
  /// - Parameter port: What its files hold; they are read if it is nil.
  /// - Throws: ``StartupError`` naming the setting and the file.
  static func operations(
    _ tls: OrdererConfiguration.TLS, from port: Port? = nil,
    now: @escaping @Sendable () -> UnixTime = UnixTime.now
  ) throws -> HTTPServerTLS? {
    try httpServer(tls, section: "Operations.TLS", from: port, now: now)
  }

  /// The TLS settings of the admin service; nil if its TLS is off. Clients' certificates are judged as of the time
  /// that `TLSHandshakeTimeShift` tells, as in 3.1; a negative one has no effect there either.
  ///
  /// - Parameter port: What its files hold; they are read if it is nil.
  /// - Throws: ``StartupError`` naming the setting and the file.
  static func administration(
    _ tls: OrdererConfiguration.TLS, from port: Port? = nil,
    now: @escaping @Sendable () -> UnixTime = UnixTime.now
  ) throws -> HTTPServerTLS? {
    try httpServer(
      tls, section: "Admin.TLS", from: port, timeShift: tls.tlsHandshakeTimeShift, now: now)
  }

  /// A certificate and its key.
  ///
  /// - Parameter section: What the names of both settings begin with.
  /// - Throws: ``StartupError`` naming the setting and the file.
  static func pair(_ certificate: String, _ key: String, section: String) throws -> KeyPair {
    KeyPair(
      certificateChain: try read(certificate, setting: "\(section)Certificate"),
      privateKey: try read(key, setting: "\(section)PrivateKey"))
  }

  private static func httpServer(
    _ tls: OrdererConfiguration.TLS, section: String, from port: Port?,
    timeShift: Duration = .zero, now: @escaping @Sendable () -> UnixTime
  ) throws -> HTTPServerTLS? {
    guard tls.enabled else { return nil }
    let files = try port ?? self.port(tls, section: section)
    let trust: TLSPeerTrust
    do {
      trust = try TLSPeerTrust(roots: files.roots, timeShift: timeShift) { now().seconds }
    } catch {
      throw StartupError("\(section).ClientRootCAs cannot be used: \(error)")
    }
    return HTTPServerTLS(
      certificateChain: files.pair.certificateChain, privateKey: files.pair.privateKey,
      clientRoots: files.roots, requiresClientCertificate: tls.clientAuthRequired,
      clientVerification: { trust.refusal(of: $0, as: .client) })
  }

  // MARK: Files

  /// What the files of a port hold.
  struct Port: Sendable, Equatable {
    let pair: KeyPair
    /// In PEM.
    let roots: [[UInt8]]
  }

  private static func port(_ tls: OrdererConfiguration.TLS, section: String) throws -> Port {
    let roots = try tls.clientRootCAs.map { try read($0, setting: "\(section).ClientRootCAs") }
    return Port(
      pair: try pair(tls.certificate, tls.privateKey, section: "\(section)."), roots: roots)
  }

  /// The files of a port, which are put to use when they have changed; nil if its TLS is off.
  static func renewable(
    _ tls: OrdererConfiguration.TLS, section: String,
    use: @escaping @Sendable (Port) throws -> Void
  ) -> (any Renewable)? {
    guard tls.enabled else { return nil }
    return RenewableFiles(
      section, paths: [tls.certificate, tls.privateKey] + tls.clientRootCAs,
      read: {
        let port = try port(tls, section: section)
        try port.pair.check()
        return port
      }, use: use)
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

  static func read(_ path: String, setting: String) throws -> [UInt8] {
    do {
      return try BoundedFile.read(path, limit: maximumFileSize)
    } catch {
      throw StartupError(
        "Failed to load the TLS file of \(setting), '\(path)': \(error.reason)")
    }
  }
}
