// The admin service: where operators join and leave channels.

import ChannelParticipation
import Concurrency
import FabricLogging
import HTTPTransport
import Logging
import OrdererConfiguration

extension HTTPServerName {
  static let administration = HTTPServerName(
    subsystem: "admin server", addressSetting: "Admin.ListenAddress", tlsSection: "Admin.TLS")
}

/// The admin service of a node, with the channel participation API.
final class NodeAdministration: Sendable {
  /// Operators are few, and their requests may be large.
  private static var limits: HTTPServerLimits {
    var limits = HTTPServerLimits()
    limits.connections = 64
    limits.handlers = 16
    return limits
  }

  private let server: HTTPServer
  private let tls: OrdererConfiguration.TLS
  private let logger: Logger

  /// nil if the API is disabled and `Admin.ListenAddress` is not set either, so that nobody could find the
  /// service.
  ///
  /// - Throws: ``StartupError`` or `HTTPServerError`, naming the setting.
  init?(
    _ configuration: OrdererConfiguration, channels: any ChannelManagement, time: any TimeSource,
    logging: FabricLogging
  ) throws {
    let (admin, participation) = (configuration.admin, configuration.channelParticipation)
    let unset = OrdererConfiguration().admin.listenAddress
    guard participation.enabled || ![unset, ""].contains(admin.listenAddress) else { return nil }
    logger = logging.logger("orderer.admin")
    tls = admin.tls
    if participation.enabled, !admin.tls.enabled {
      logger.warning(
        """
        Admin.TLS.Enabled is false: whoever reaches Admin.ListenAddress can have this orderer join and \
        leave channels
        """)
    }
    server = try HTTPServer(
      listenAddress: admin.listenAddress.isEmpty ? unset : admin.listenAddress,
      name: .administration, tls: try TLSMaterial.administration(admin.tls), limits: Self.limits,
      time: time, logger: logger)
    let routes = ParticipationRoutes(
      isEnabled: participation.enabled, channels: channels,
      logger: logging.logger("orderer.common.channelparticipation"))
    try server.register(
      routes.route(
        maximumBodyBytes: min(
          Int(participation.maxRequestBodySize), ParticipationRoutes.maximumBodyBytes)))
  }

  /// The files of its TLS; nil without.
  var keys: (any Renewable)? {
    let server = server
    return TLSMaterial.renewable(tls, section: "Admin.TLS") { [tls] port in
      if let renewed = try TLSMaterial.administration(tls, from: port) { try server.renew(renewed) }
    }
  }

  /// Listens and serves.
  ///
  /// - Throws: `HTTPServerError`
  func start() async throws {
    try await server.start()
    logger.info(
      "The admin service is listening", metadata: ["address": .string(server.boundAddress ?? "")])
  }

  /// Stops; requests get a few seconds to end.
  func shutdown() async { await server.shutdown() }
}
