// Asks orderers for their newest blocks, all at the same time.

import Concurrency
import FabricProtos
import Logging
import Ordering

/// One round of questions is answered within the time that connecting may take, and `limit`.
struct Prober: Sendable {
  let channelID: String
  let network: any DeliverSource
  let requests: SeekRequests
  /// How long an answer may take.
  let limit: Duration
  /// Whether connections to those that have answered are kept for the caller, who has to close them.
  let keepsConnections: Bool
  let time: any TimeSource
  let logger: Logger

  /// What a round has found out.
  struct Answers: Sendable {
    var byEndpoint: [OrdererEndpoint: Answer] = [:]
    /// Connections to those that have answered with a block, if they are kept.
    var connections: [OrdererEndpoint: any DeliverConnection] = [:]
  }

  enum Answer: Sendable {
    case newest(Block)
    case forbidden
    case unavailable
    case failed(String)

    /// The answer without the block.
    var probe: PullCore.Probe {
      switch self {
      case .newest(let block): .newest(block.header.number)
      case .forbidden: .forbidden
      case .unavailable: .unavailable
      case .failed(let reason): .failed(reason)
      }
    }
  }

  /// Asks all of them.
  func probe(_ endpoints: [OrdererEndpoint]) async -> Answers {
    await withTaskGroup(
      of: (OrdererEndpoint, Answer, (any DeliverConnection)?).self
    ) { group in
      for endpoint in endpoints {
        group.addTask {
          let (answer, connection) = await ask(endpoint)
          return (endpoint, answer, connection)
        }
      }
      return await group.reduce(into: Answers()) { answers, result in
        let (endpoint, answer, connection) = result
        answers.byEndpoint[endpoint] = answer
        answers.connections[endpoint] = connection
      }
    }
  }

  private func ask(_ endpoint: OrdererEndpoint) async -> (Answer, (any DeliverConnection)?) {
    let connection: any DeliverConnection
    do { connection = try await network.connect(to: endpoint) } catch {
      logger.warning("[channel: \(channelID)] Failed connecting to \(endpoint): \(error)")
      return (.failed("\(error)"), nil)
    }
    let answer = await self.answer(of: endpoint, on: connection)
    if case .newest(let block) = answer {
      logger.debug(
        "[channel: \(channelID)] \(endpoint) is at block sequence of \(block.header.number)")
      if keepsConnections { return (answer, connection) }
    }
    connection.close()
    return (answer, nil)
  }

  private func answer(
    of endpoint: OrdererEndpoint, on connection: any DeliverConnection
  ) async -> Answer {
    let request: [UInt8]
    do {
      request = try requests.newest(of: channelID, for: connection)
    } catch { return .failed("the request cannot be signed: \(error)") }
    do {
      switch try await firstAnswer(to: request, on: connection) {
      case .block(let block, _): return .newest(block)
      case .status(.forbidden):
        logger.warning(
          """
          [channel: \(channelID)] Received status:FORBIDDEN from \(endpoint): forbidden pulling the channel
          """)
        return .forbidden
      case .status(let status):
        logger.warning(
          "[channel: \(channelID)] Received status:\(status.name) from \(endpoint)")
        return status == .serviceUnavailable ? .unavailable : .failed(status.name)
      }
    } catch {
      logger.warning(
        "[channel: \(channelID)] Failed receiving the latest block from \(endpoint): \(error)")
      return .failed("\(error)")
    }
  }

  /// Sends a request, and takes the first answer alone.
  func firstAnswer(
    to request: [UInt8], on connection: any DeliverConnection
  ) async throws -> DeliverAnswer {
    let stream = try await open(request, on: connection)
    defer { stream.cancel() }
    return try await next(of: stream)
  }

  /// Opens a stream, within the limit.
  func open(
    _ request: [UInt8], on connection: any DeliverConnection
  ) async throws -> any DeliverStream {
    try await limited { try await connection.deliver(request) }
  }

  /// The next answer of a stream, within the limit.
  func next(of stream: any DeliverStream) async throws -> DeliverAnswer {
    guard let bytes = try await limited({ try await stream.next() }) else {
      throw Silence(description: "the stream has ended")
    }
    return try DeliverAnswer(bytes)
  }

  private func limited<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let result = await withTimeLimit(limit, on: time) { () async -> Result<Value, any Error> in
      do { return .success(try await body()) } catch { return .failure(error) }
    }
    try Task.checkCancellation()
    guard let result else {
      throw Silence(description: "didn't receive a response within \(limit)")
    }
    return try result.get()
  }
}

/// Nothing comes.
struct Silence: Error, CustomStringConvertible {
  let description: String
}

/// The newest blocks that a round of questions has brought.
struct NewestBlocks: Sendable {
  let blocks: [(endpoint: OrdererEndpoint, block: Block)]
  /// Why there are none, if there are none.
  let failure: PullFailure

  init(_ answers: Prober.Answers) {
    blocks = answers.byEndpoint.sorted { $0.key.address < $1.key.address }
      .compactMap { endpoint, answer in
        if case .newest(let block) = answer { (endpoint, block) } else { nil }
      }
    failure = PullFailure(answers.byEndpoint.mapValues(\.probe))
  }
}
