// Readers: at the tip, where they see a run's envelopes arrive, or catching up.

import NIOCore
import Synchronization

/// What readers have got.
final class ReaderTotals: Sendable {
  struct Totals: Sendable {
    var bytes = 0
    var blocks = 0
    var transactions = 0
  }

  private let totals = Mutex(Totals())

  var current: Totals { totals.withLock { $0 } }

  func add(_ more: Totals) {
    totals.withLock { totals in
      totals.bytes += more.bytes
      totals.blocks += more.blocks
      totals.transactions += more.transactions
    }
  }
}

/// One reader of a channel.
struct DeliverLoad: Sendable {
  let connection: any LoadConnection
  let request: [UInt8]
  let totals: ReaderTotals

  /// Reads at the tip until the task is cancelled.
  ///
  /// - Parameter tag: The envelopes to look for; nil for a reader that only adds to the load.
  func follow(_ run: LoadRun, tag: EnvelopeTag?) async {
    do {
      let status = try await read { message in
        guard let tag else {
          totals.add(ReaderTotals.Totals(bytes: message.count, blocks: 1))
          return nil
        }
        switch try DeliverAnswer(message, tag: tag) {
        case .status(let status): return status
        case .block(_, let transactions, let tagged):
          totals.add(
            ReaderTotals.Totals(bytes: message.count, blocks: 1, transactions: transactions))
          run.deliver(tagged, transactions: transactions)
          return nil
        }
      }
      if !Task.isCancelled {
        run.fail("Deliver ended with status \(status.map(String.init) ?? "none")")
      }
    } catch {
      if !Task.isCancelled { run.fail("Deliver: \(error)") }
    }
  }

  /// Reads all that was asked for.
  ///
  /// - Throws: if the session does not end well.
  func catchUp() async throws {
    // Blocks are only counted: a status has no more than a few bytes, a block has its hashes.
    let smallestBlock = 40
    let status = try await read { message in
      guard message.count >= smallestBlock else {
        guard case .status(let status) = try DeliverAnswer(message) else { return nil }
        return status
      }
      totals.add(ReaderTotals.Totals(bytes: message.count, blocks: 1))
      return nil
    }
    guard status == Account.success else {
      throw BenchmarkError("Deliver ended with status \(status.map(String.init) ?? "none")")
    }
  }

  /// Passes on each message until one is a status, which is returned; nil if the stream ends without.
  private func read(_ take: ([UInt8]) throws -> Int?) async throws -> Int? {
    let stream = try await connection.openStream(OrdererMethod.deliver)
    defer { stream.cancel() }
    try await stream.send([ByteBuffer(bytes: request)])
    while let messages = try await stream.nextMessages() {
      for message in messages {
        if let status = try take(message) { return status }
      }
    }
    return nil
  }
}
