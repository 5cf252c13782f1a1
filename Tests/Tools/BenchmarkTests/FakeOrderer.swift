// Stands in for an orderer.

import Concurrency
import NIOCore

@testable import Benchmark

/// Answers Broadcast as it is told to, and notes what came.
final class FakeOrderer: LoadConnection {
  static let success: [UInt8] = [0x08, 0xC8, 0x01]
  static let refusal: [UInt8] = [0x08, 0x90, 0x03]

  /// What is done with the n-th envelope of all streams.
  enum Reaction: Sendable {
    case answer
    /// Refused, which ends the stream.
    case refuse
    /// The stream breaks.
    case breakOff
    /// Never answered.
    case ignore
  }

  struct Failure: Error {}

  struct State: Sendable {
    var envelopes: [[UInt8]] = []
    var streams = 0
    var openStreams = 0
    var largestFlush = 0
    /// Whether answers are given now.
    var isAwake = true
  }

  let state: Watched<State>
  private let react: @Sendable (Int) -> Reaction

  init(isAwake: Bool = true, react: @escaping @Sendable (Int) -> Reaction = { _ in .answer }) {
    state = Watched(State(isAwake: isAwake))
    self.react = react
  }

  func openStream(_ path: String) async throws -> any LoadStream {
    state.change { state in
      state.streams += 1
      state.openStreams += 1
    }
    return Stream(orderer: self)
  }

  func close() {}

  private final class Stream: LoadStream {
    private struct Waiting: Sendable {
      var reactions: [Reaction] = []
      var hasEnded = false
    }

    let orderer: FakeOrderer
    private let waiting = Watched(Waiting())

    init(orderer: FakeOrderer) { self.orderer = orderer }

    func send(_ messages: [ByteBuffer]) async throws {
      let reactions = orderer.state.change { state in
        let first = state.envelopes.count
        state.envelopes += messages.map { Array($0.readableBytesView) }
        state.largestFlush = max(state.largestFlush, messages.count)
        return (first..<state.envelopes.count).map(orderer.react)
      }
      waiting.change {
        $0.reactions += reactions.filter { if case .ignore = $0 { false } else { true } }
      }
    }

    func nextMessages() async throws -> [[UInt8]]? {
      guard await orderer.state.waitUnlessCancelled(for: { $0.isAwake ? () : nil }) != nil else {
        throw CancellationError()
      }
      let reaction = await waiting.waitUnlessCancelled { waiting -> Reaction?? in
        if waiting.hasEnded { return .some(nil) }
        return waiting.reactions.isEmpty ? nil : .some(waiting.reactions.removeFirst())
      }
      guard let reaction else { throw CancellationError() }
      switch reaction {
      case .answer: return [FakeOrderer.success]
      case .refuse:
        waiting.change { $0.hasEnded = true }
        return [FakeOrderer.refusal]
      case .breakOff: throw Failure()
      case .ignore, nil: return nil
      }
    }

    func cancel() { orderer.state.change { $0.openStreams -= 1 } }
  }
}
