// Which files of a node's TLS are put to use when they are renewed.

import Concurrency
import Foundation
import Logging
import Membership
import OrdererConfiguration

extension NodeParts {
  /// Keeps the keys of all ports and connections as the files have them.
  func keyKeeper(
    beside operations: NodeOperations, time: any TimeSource, logger: Logger
  ) -> KeyKeeper {
    let files = [clientPortFiles, clusterFiles, operations.keys, administration?.keys]
    let now: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    let report = ExpiryReport(metrics: operations.metrics, health: operations.health)
    let signing = signing
    return KeyKeeper(
      files.compactMap { $0 },
      certificates: { [keys] in
        report.take(keys.certificates + signing, now: now())
        return keys.certificates
      }, time: time, now: now, logger: logger)
  }

  /// The client port's, as far as other orderers do not use it.
  private var clientPortFiles: (any Renewable)? {
    let (tls, server, trust, section) = (general.tls, server, trust, "General.TLS")
    let sharesPort = !general.cluster.hasOwnListener
    guard sharesPort else {
      return TLSMaterial.renewable(tls, section: section) { port in
        try server.renew(
          certificateChain: port.pair.certificateChain, privateKey: port.pair.privateKey)
        guard tls.clientAuthRequired else { return }
        try trust.attach(
          server, configured: port.roots, timeShift: tls.tlsHandshakeTimeShift)
      }
    }
    guard tls.enabled, tls.clientAuthRequired else { return nil }
    return RenewableFiles(
      "\(section).ClientRootCAs", paths: tls.clientRootCAs,
      read: { try TLSMaterial.clientRoots(tls) },
      use: { roots in
        try trust.attach(server, configured: roots, timeShift: tls.tlsHandshakeTimeShift)
      })
  }

  /// Those of the port and the connections of other orderers.
  private var clusterFiles: (any Renewable)? {
    guard let first = keys.tls else { return nil }
    let (general, keys, cluster, trust) = (general, keys, clusterServer, trust)
    return RenewableFiles(
      first.hasOwnListener ? "General.Cluster" : "General.TLS and General.Cluster",
      paths: ClusterTLS.files(general),
      read: {
        let tls = try ClusterTLS(general) ?? first
        try tls.server.check()
        try tls.client.check()
        try trust.check(tls.roots)
        return tls
      },
      use: { tls in
        if let cluster {
          try trust.attach(cluster, configured: tls.roots, timeShift: tls.timeShift)
        }
        keys.renew(tls)
      })
  }
}

extension OwnKeys {
  /// What the files hold, whose expiry is watched.
  fileprivate var certificates: [OwnCertificate] {
    guard let tls else { return [] }
    var certificates =
      tls.server.notAfter.map { [OwnCertificate(role: "server TLS", notAfter: $0)] } ?? []
    if tls.client != tls.server, let notAfter = tls.client.notAfter {
      certificates.append(OwnCertificate(role: "client TLS", notAfter: notAfter))
    }
    return certificates
  }
}
