// From environment and files to a running node.

import FabricLogging
import Foundation
import Logging
import OrdererConfiguration
import OrdererServer

/// Sets up logging, loads the configuration, runs the server.
enum NodeRunner {
  /// Runs until the node is told to stop. False if it could not start or failed; the log says why.
  static func run() async -> Bool {
    let environment = ProcessInfo.processInfo.environment
    let logging = FabricLogging.fromEnvironment(environment)
    logging.bootstrap()
    defer { logging.flush() }
    let logger = logging.logger("orderer.common.server")

    let loaded: LoadedConfiguration
    do {
      loaded = try OrdererConfiguration.load(environment: environment)
    } catch {
      logger.error("failed to parse config: \(error)")
      return false
    }
    let configuration = loaded.configuration
    applyLogSettings(configuration.general, environment, to: logging)
    loaded.logEffectiveSettings(to: logging)

    do {
      try await OrdererServer(
        configuration: configuration, directory: loaded.folder, logging: logging,
        build: .current
      ).run()
      return true
    } catch {
      logger.panic("\(error)")
      return false
    }
  }

  /// Fabric 1.1 to 1.3 configure logging in orderer.yaml; the environment goes before that.
  private static func applyLogSettings(
    _ general: OrdererConfiguration.General, _ environment: [String: String],
    to logging: FabricLogging
  ) {
    let logger = logging.logger("localconfig")
    func isUnset(_ name: String) -> Bool { environment[name, default: ""].isEmpty }
    if !general.logLevel.isEmpty, isUnset(FabricLogging.Variable.spec) {
      do {
        try logging.setSpec(general.logLevel)
      } catch {
        logger.warning("General.LogLevel: \(error)")
      }
    }
    if !general.logFormat.isEmpty, isUnset(FabricLogging.Variable.format) {
      do {
        try logging.setFormat(general.logFormat)
      } catch {
        logger.warning("General.LogFormat: \(error)")
      }
    }
  }
}
