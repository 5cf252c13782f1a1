// Tells an operator which settings a starting node goes by.

import FabricLogging
import Logging
import OrdererConfiguration

extension LoadedConfiguration {
  /// Logs what was found while loading, and then every setting with the value in force, in the layout of
  /// Fabric's orderer.
  func logEffectiveSettings(to logging: FabricLogging) {
    let localConfiguration = logging.logger("localconfig")
    for notice in notices {
      switch notice.severity {
      case .info: localConfiguration.info("\(notice.message)")
      case .warning: localConfiguration.warning("\(notice.message)")
      }
    }
    let logger = logging.logger("orderer.common.server")
    logger.debug("Configuration read from \(file)")
    let lines = configuration.effectiveLines.map { "\n\t" + $0 }.joined()
    logger.info("Orderer config values:\(lines)")
  }
}
