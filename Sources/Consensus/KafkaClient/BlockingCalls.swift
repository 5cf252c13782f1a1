// Runs the few calls of librdkafka that wait for the network.

import Dispatch

/// Threads for calls that block, so that no task of the process waits behind one.
///
/// How many run at the same time is bounded by their callers: one search for brokers, one look at the
/// leaders, one growing lane for each client, and one question for each channel.
struct BlockingCalls: Sendable {
  private let queue = DispatchQueue(label: "kafka-blocking", attributes: .concurrent)

  /// Runs a call and waits for it.
  func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      queue.async { continuation.resume(returning: body()) }
    }
  }

  /// Runs a call, and waits for nothing.
  func start(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }
}
