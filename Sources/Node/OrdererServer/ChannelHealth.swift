// What /healthz tells about channels.

import Logging
import Multichannel
import Operations
import Synchronization

/// Makes each channel of a registrar a component of the node's health, and the chain of a channel too
/// if it has a name of its own there, as Fabric's Kafka chains have.
final class ChannelHealth: Sendable {
  private struct State {
    var components: Set<String> = []
    weak var registrar: Registrar?
  }

  private let checks: HealthChecks
  private let logger: Logger
  private let state = Mutex(State())

  init(_ checks: HealthChecks, logger: Logger) {
    self.checks = checks
    self.logger = logger
  }

  /// Where to ask for channels; nothing is asked before.
  func attach(_ registrar: Registrar) {
    state.withLock { $0.registrar = registrar }
  }

  /// Notes a channel.
  func add(_ channelID: String, _ entry: Registrar.Entry) {
    register(channelID) { [weak self] in await self?.problem(of: channelID) }
    if case .channel(let channel) = entry, let component = channel.chain.healthComponent {
      register(component) { [weak channel] in
        guard let channel, channel.problem == nil else { return nil }
        return await channel.chain.healthProblem()
      }
    }
  }

  private func problem(of channelID: String) async -> String? {
    switch state.withLock({ $0.registrar })?.lookUp(channelID) {
    case nil: nil
    case .unavailable(let reason):
      "the channel is not available: \(reason). Other channels work; the log tells more"
    case .follower(let follower): follower.problem
    case .channel(let channel):
      if let problem = channel.problem {
        problem
      } else if channel.chain.healthComponent == nil {
        await channel.chain.healthProblem()
      } else {
        nil
      }
    }
  }

  private func register(_ component: String, _ check: @escaping HealthChecks.Check) {
    guard state.withLock({ $0.components.insert(component).inserted }) else { return }
    do {
      try checks.register(component: component, check: check)
    } catch {
      logger.error("The health of \(component) is not told: \(error)")
    }
  }
}
