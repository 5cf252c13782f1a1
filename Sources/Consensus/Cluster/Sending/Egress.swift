// Sends to one member on one channel: the shell of ``EgressState``.

import Concurrency
import GoText
import Logging
import Metrics
import NIOCore
import Ordering

/// The messages of one kind to one member of a channel.
///
/// It has a task only while it has a stream; that task ends with the stream.
final class Egress: Sendable {
  /// What is sent.
  enum Kind: String, Sendable {
    case consensus
    case transaction
  }

  /// What it needs.
  struct Environment: Sendable {
    let channelID: String
    let member: UInt64
    let server: ClusterServer
    /// The name in the member's certificate, and when that expires.
    let nodeName: String?
    let notAfter: Int64
    let connections: ConnectionPool
    let settings: ClusterSettings
    let time: any TimeSource
    /// Seconds since 1970.
    let now: @Sendable () -> Int64
    let metrics: EgressMetrics
    let logger: Logger
    /// Called when a stream was lost or could not be made.
    let lostContact: @Sendable () -> Void
  }

  private let kind: Kind
  private let environment: Environment
  private let state: Watched<EgressState>

  init(_ kind: Kind, _ environment: Environment) {
    self.kind = kind
    self.environment = environment
    state = Watched(EgressState(environment.settings))
    environment.metrics.capacity.record(environment.settings.sendBufferSize)
  }

  private var time: any TimeSource { environment.time }
  private var logger: Logger { environment.logger }

  /// Takes a message, or drops it, and never waits.
  ///
  /// - Returns: Whether it was taken.
  func offer(_ frame: ByteBuffer) -> Bool {
    let now = time.now
    let (offer, count) = state.change { ($0.offer(frame, now: now), $0.count) }
    environment.metrics.length.record(count)
    switch offer {
    case .queued: return true
    case .first:
      start()
      return true
    case .overflow:
      environment.metrics.dropped.increment()
      return false
    case .refused: return false
    }
  }

  /// Takes messages, in order, and returns once they are on the stream. Waits while there is no room, but never
  /// longer than `rpcTimeout` for the next of them.
  ///
  /// - Parameter series: All of the series go on one stream; nil for messages that need not.
  func submit(
    _ frames: [ByteBuffer], series: EgressSeries? = nil
  ) async throws(ClusterRefusal) {
    var rest = frames[...]
    while !rest.isEmpty {
      let deadline = time.now + environment.settings.rpcTimeout
      let (count, receipt) = try await admit(rest, series, until: deadline)
      rest = rest.dropFirst(count)
      let outcome = await state.wait(until: deadline, on: time) { $0.outcome(receipt) }
      guard let outcome else { throw timedOut }
      do throws(EgressLoss) { try outcome.get() } catch { throw ClusterRefusal(error.reason) }
    }
  }

  /// Has the queue take some of the messages.
  private func admit(
    _ frames: ArraySlice<ByteBuffer>, _ series: EgressSeries?, until deadline: TimeSource.Instant
  ) async throws(ClusterRefusal) -> (Int, EgressState.Receipt) {
    while true {
      let admission = await state.wait(until: deadline, on: time) { [time] state in
        state.admit(frames, of: series, now: time.now)
      }
      switch admission {
      case .taken(let count, let receipt, let mustOpen):
        if mustOpen { start() }
        return (count, receipt)
      case .later(let instant):
        guard instant < deadline else { throw timedOut }
        do { try await time.sleep(until: instant) } catch { throw timedOut }
      case .refused(let reason): throw ClusterRefusal(reason)
      case nil: throw timedOut
      }
    }
  }

  private var timedOut: ClusterRefusal {
    ClusterRefusal(
      """
      timed out (\(GoDuration(environment.settings.rpcTimeout))) waiting on forwarding to \
      \(environment.member)
      """)
  }

  /// The member has been heard of, so that it may be tried at once.
  func retryNow() { state.change { $0.retryNow() } }

  /// Ends the stream for good.
  func close() { state.change { $0.close("the connection to the node is no longer needed") } }

  // MARK: The stream

  private func start() { Task { await self.run() } }

  /// The life of one stream.
  private func run() async {
    let reason: String
    do throws(ClusterRefusal) {
      let connection = try await environment.connections.connection(to: environment.server)
      let stream = try await connection.openStep()
      reason = state.change { [time] in $0.opened(now: time.now) } ? await serve(stream) : ""
      stream.cancel()
    } catch {
      reason = error.description
    }
    guard let loss = state.change({ [time] in $0.ended(reason, now: time.now) }) else { return }
    tell(loss)
    environment.lostContact()
  }

  /// Sends until the stream ends.
  ///
  /// - Returns: Why it has.
  private func serve(_ stream: any StepStream) async -> String {
    environment.metrics.streams.opened()
    defer { environment.metrics.streams.ended() }
    return await withTaskGroup(of: String.self) { group in
      group.addTask { await stream.ended() }
      group.addTask { await self.watch() }
      group.addTask { await self.send(on: stream) }
      let reason = await group.next() ?? ""
      stream.cancel()
      group.cancelAll()
      return reason
    }
  }

  private func send(on stream: any StepStream) async -> String {
    var expiry = ExpiryWatch(
      notAfter: environment.notAfter,
      threshold: environment.settings.certificateExpirationWarningThreshold)
    while true {
      let batch = await state.waitUnlessCancelled { [time] in $0.takeBatch(now: time.now) }
      guard let batch else { return "the stream has ended" }
      warn(&expiry)
      let begin = environment.metrics.isRecording ? time.now : nil
      do throws(ClusterRefusal) { try await stream.send(batch) } catch { return error.description }
      if let begin { environment.metrics.sendTime.record(duration: time.now - begin) }
      if state.change({ $0.sent() }), kind == .consensus {
        logger.info(
          "Successfully sent StepRequest to \(environment.member) after failed attempt(s)")
      }
    }
  }

  /// Waits until the stream is to be ended.
  private func watch() async -> String {
    while true {
      guard let watch = await state.waitUnlessCancelled(for: { $0.watch }) else { return "" }
      guard case .sending(let batch, let since) = watch else {
        return state.read { $0.endReason } ?? ""
      }
      let deadline = since + environment.settings.rpcTimeout
      if let reason = await state.wait(until: deadline, on: time, for: { $0.endReason }) {
        return reason
      }
      if Task.isCancelled { return "" }
      if case .sending(batch, _) = state.read({ $0.watch }) { return "rpc timeout expired" }
    }
  }

  private func warn(_ expiry: inout ExpiryWatch) {
    guard let left = expiry.check(now: environment.now()) else { return }
    logger.warning(
      "\(ExpiryWatch.text(node: environment.nodeName, endpoint: environment.server.endpoint, channel: environment.channelID, left: left))"
    )
  }

  /// As Fabric does, a member that cannot be reached is told of once.
  private func tell(_ loss: EgressState.Loss) {
    logger.log(
      level: loss.isNews ? .error : .debug,
      """
      Failed to send \(kind == .consensus ? "StepRequest" : "SubmitRequest") to \
      \(environment.member), because: \(loss.reason)
      """)
  }
}
