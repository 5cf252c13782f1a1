// Sends one stream's share of the envelopes and takes the answers.

import Concurrency
import NIOCore

/// How envelopes travel.
package enum StreamUse: String, Codable, Sendable {
  /// Many on a stream that stays open, as applications that speak to orderers themselves send them.
  case long
  /// A stream for each, as Fabric's gateway does.
  case onePerEnvelope
}

/// One of the streams of a run; with a stream for each envelope, one of those that are open at a time.
struct BroadcastLoad: Sendable {
  let connection: any LoadConnection
  let envelopes: [ByteBuffer]
  /// Which of the envelopes this stream sends.
  let numbers: Range<Int>
  /// Envelopes that may wait for their answers at a time.
  let window: Int
  /// Nil for flat out.
  let schedule: LoadSchedule?
  let run: LoadRun

  /// Sends until all are sent or the time is over, and waits for the answers.
  func send(_ use: StreamUse) async {
    switch use {
    case .onePerEnvelope: await sendOneByOne()
    case .long: await sendOnLongStreams()
    }
  }

  // MARK: Long streams

  private func sendOnLongStreams() async {
    var next = numbers.lowerBound
    var streams = 0
    while next < numbers.upperBound, run.goesOn(at: run.clock.now), !Task.isCancelled,
      streams < LoadRun.maximumReopenings
    {
      streams += 1
      var answered = next
      do {
        let stream = try await connection.openStream(OrdererMethod.broadcast)
        defer { stream.cancel() }
        if let schedule {
          try await sendOnTime(on: stream, schedule, &next, &answered)
        } else {
          try await sendFlatOut(on: stream, &next, &answered)
        }
      } catch {
        if !Task.isCancelled { run.fail("Broadcast: \(error)") }
      }
      run.abandon(answered..<next)
    }
  }

  /// As many as were answered follow at once, in one flush.
  private func sendFlatOut(
    on stream: any LoadStream, _ next: inout Int, _ answered: inout Int
  ) async throws {
    while true {
      let now = run.clock.now
      if next < numbers.upperBound, run.goesOn(at: now) {
        let end = min(numbers.upperBound, answered + window)
        run.send(next..<end, scheduledAt: now)
        let batch = Array(envelopes[next..<end])
        next = end
        try await stream.send(batch)
      }
      guard answered < next, try await takeAnswers(from: stream, next, &answered) else { return }
    }
  }

  /// Sends what is due; while nothing is, a task of its own waits for the answers.
  private func sendOnTime(
    on stream: any LoadStream, _ schedule: LoadSchedule, _ next: inout Int, _ answered: inout Int
  ) async throws {
    let progress = Watched(SendProgress(sent: next, answered: answered))
    defer {
      let reached = progress.read { $0 }
      (next, answered) = (reached.sent, reached.answered)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await receive(from: stream, progress) }
      defer { group.cancelAll() }
      try await sendDue(on: stream, schedule, from: next, progress)
      progress.change { $0.isComplete = true }
      // The receiver ends once everything is answered, or with the stream.
      try await group.next()
    }
  }

  private struct SendProgress: Sendable {
    var sent: Int
    var answered: Int
    /// Nothing more will be sent on this stream.
    var isComplete = false
    /// The server has ended the stream.
    var hasEnded = false
  }

  private func sendDue(
    on stream: any LoadStream, _ schedule: LoadSchedule, from first: Int,
    _ progress: Watched<SendProgress>
  ) async throws {
    var next = first
    while next < numbers.upperBound, run.goesOn(at: run.clock.now) {
      // Those of a stream that has broken count from when they were due.
      try await run.clock.time.sleep(until: run.clock.instant(of: schedule.due(next)))
      let state = await progress.waitUnlessCancelled { state -> SendProgress? in
        state.hasEnded || state.sent - state.answered < window ? state : nil
      }
      guard let state, !state.hasEnded, run.goesOn(at: run.clock.now) else { return }
      let room = window - (state.sent - state.answered)
      let batch = schedule.due(from: next, at: run.clock.now, atMost: room)
      guard !batch.isEmpty else { continue }
      run.send(batch, scheduledAt: { schedule.due($0) })
      progress.change { $0.sent = batch.upperBound }
      next = batch.upperBound
      try await stream.send(Array(envelopes[batch]))
    }
  }

  private func receive(
    from stream: any LoadStream, _ progress: Watched<SendProgress>
  ) async throws {
    defer { progress.change { $0.hasEnded = true } }
    while true {
      let sent = await progress.waitUnlessCancelled { state -> Int? in
        if state.answered < state.sent { return state.sent }
        return state.isComplete ? state.sent : nil
      }
      guard let sent else { return }
      var answered = progress.read { $0.answered }
      guard answered < sent else { return }
      let goesOn = try await takeAnswers(from: stream, sent, &answered)
      progress.change { [answered] in $0.answered = answered }
      guard goesOn else { return }
    }
  }

  // MARK: A stream for each

  private func sendOneByOne() async {
    for number in numbers {
      guard !Task.isCancelled, run.goesOn(at: run.clock.now) else { return }
      var scheduledAt = run.clock.now
      if let due = schedule?.due(number) {
        guard (try? await run.clock.time.sleep(until: run.clock.instant(of: due))) != nil else {
          return
        }
        scheduledAt = due
      }
      run.send(number..<(number + 1), scheduledAt: scheduledAt)
      var answered = number
      do {
        let stream = try await connection.openStream(OrdererMethod.broadcast)
        defer { stream.cancel() }
        try await stream.send([envelopes[number]])
        _ = try await takeAnswers(from: stream, number + 1, &answered)
      } catch {
        if !Task.isCancelled { run.fail("Broadcast: \(error)") }
      }
      run.abandon(answered..<(number + 1))
    }
  }

  // MARK: Answers

  /// Waits for answers and records them.
  ///
  /// - Returns: whether the stream goes on.
  private func takeAnswers(
    from stream: any LoadStream, _ sent: Int, _ answered: inout Int
  ) async throws -> Bool {
    guard let answers = try await stream.nextMessages() else { return false }
    let expected = Array(answers.prefix(numbers.upperBound - answered))
    let allGood = run.answer(expected, from: answered)
    answered = min(numbers.upperBound, answered + expected.count)
    return allGood
  }
}
