// Runs the node: starts it, waits for the signal to stop, and stops it within a bound.

import Concurrency
import FabricLogging
import Foundation
import Logging
import OrdererConfiguration
import Sockets
import UnixSignals

/// An ordering service node.
package struct OrdererServer: Sendable {
  private let configuration: OrdererConfiguration
  private let directory: String
  private let logging: FabricLogging
  private let build: BuildInformation

  /// - Parameters:
  ///   - directory: The folder of `orderer.yaml`, where other configuration files are looked for.
  ///   - build: What the log and the operations service report as running.
  package init(
    configuration: OrdererConfiguration, directory: String, logging: FabricLogging,
    build: BuildInformation
  ) {
    self.configuration = configuration
    self.directory = directory
    self.logging = logging
    self.build = build
  }

  /// Serves until SIGTERM or SIGINT. SIGHUP has the files of TLS read again, SIGUSR1 the state written to the log.
  ///
  /// - Throws: ``StartupError`` or another error with a message for the operator if the node cannot start.
  package func run() async throws {
    let logger = logging.logger("orderer.common.server")
    // A write beyond a file size limit should fail like any other, not end the process.
    signal(SIGXFSZ, SIG_IGN)
    DescriptorLimit.raise()
    Allocator.configure()
    // Trapped before anything is written, so that a stop during a long start is orderly too.
    let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup, .sigusr1)
    guard let node = try await makeNode() else {
      return logger.info("The orderer was stopped before it served")
    }
    logger.info("Starting \(build.report)")
    let address: String
    do {
      address = try await node.start()
    } catch {
      await node.stop()
      throw error
    }
    logger.info("Beginning to serve requests", metadata: ["address": .string(address)])
    serving: for await signal in signals {
      logger.info("Received signal: \(NodeSignal.describe(signal))")
      switch signal {
      case .sigusr1: node.report()
      case .sighup: node.renewKeys()
      default: break serving
      }
    }
    await node.stop()
    logger.info("The orderer has stopped")
  }

  /// Takes the steps before the node serves, which may take long if it has to get channels from others. A stop ends them.
  ///
  /// - Returns: nil if the node was told to stop meanwhile.
  private func makeNode() async throws -> Node? {
    let stops = await UnixSignalsSequence(trapping: .sigterm, .sigint)
    let making = Task {
      try await Node(
        configuration, directory: directory, build: build, time: .system, logging: logging)
    }
    let watching = Task {
      for await _ in stops {
        making.cancel()
        break
      }
    }
    defer { watching.cancel() }
    do { return try await making.value } catch is CancellationError { return nil }
  }
}
