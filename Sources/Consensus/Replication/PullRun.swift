// Carries out what the core of a pull says.

import Concurrency
import FabricProtos
import Logging
import Ordering

/// One pull: its core, and the connections that it has now.
struct PullRun {
  private var core: PullCore
  private let prober: Prober
  private var connections: [OrdererEndpoint: any DeliverConnection] = [:]
  private var stream: (any DeliverStream)?

  init(core: PullCore, prober: Prober) {
    self.core = core
    self.prober = prober
  }

  /// Runs to the end.
  mutating func run(take: @Sendable (_ run: [Block]) async throws -> Void) async throws {
    var effect = core.begin()
    while true {
      try Task.checkCancellation()
      switch effect {
      case .probe(let endpoints): effect = await probe(endpoints)
      case .open(let endpoint, let first): effect = await open(endpoint, first)
      case .receive: effect = await receive()
      case .pause(let duration):
        closeAll()
        try await prober.time.sleep(for: duration)
        effect = core.paused()
      case .take(let blocks):
        try await take(blocks)
        effect = core.taken()
      case .finish: return
      case .fail(let failure): throw failure
      }
    }
  }

  /// Closes what is open.
  mutating func closeAll() {
    stream?.cancel()
    stream = nil
    for connection in connections.values { connection.close() }
    connections = [:]
  }

  private mutating func probe(_ endpoints: [OrdererEndpoint]) async -> PullCore.Effect {
    closeAll()
    let answers = await prober.probe(endpoints)
    connections = answers.connections
    return core.probed(answers.byEndpoint.mapValues(\.probe), pick: .random(in: 0...UInt64.max))
  }

  /// Asks the chosen one, and lets go of the others.
  private mutating func open(_ endpoint: OrdererEndpoint, _ first: UInt64) async -> PullCore.Effect
  {
    for (other, connection) in connections where other != endpoint {
      connection.close()
      connections[other] = nil
    }
    guard let connection = connections[endpoint] else { return core.lost("the connection is gone") }
    prober.logger.debug(
      "[channel: \(prober.channelID)] Sending request for block [\(first)] to \(endpoint)")
    do {
      let request = try prober.requests.blocks(
        of: prober.channelID, from: first, for: connection)
      stream = try await prober.open(request, on: connection)
      return core.opened()
    } catch { return core.lost("\(error)") }
  }

  private mutating func receive() async -> PullCore.Effect {
    guard let stream else { return core.lost("there is no stream") }
    do {
      switch try await prober.next(of: stream) {
      case .block(let block, let bytes): return core.received(block, bytes: bytes)
      case .status(let status): return core.lost("it ended the stream with \(status.name)")
      }
    } catch { return core.lost("\(error)") }
  }
}
