// A run while it goes on: what its streams and readers share.

import Concurrency

/// The account of a run under a lock, its clock and its end.
final class LoadRun: Sendable {
  /// Failures without a single success after which a run is given up.
  static let failureLimit = 100
  /// How often a stream is opened again for the envelopes of a share that are left.
  static let maximumReopenings = 1_000

  let clock: RunClock
  /// When nothing more is sent.
  let deadline: RunTime
  private let account: Watched<Account>

  init(count: Int, deadline: RunTime, clock: RunClock) {
    self.clock = clock
    self.deadline = deadline
    account = Watched(Account(count: count))
  }

  /// The account as it is now.
  var current: Account { account.read { $0 } }

  /// How many envelopes are settled and delivered, for a progress bar.
  var progress: (settled: Int, delivered: Int) { account.read { ($0.settled, $0.delivered) } }

  /// Whether more is to be sent.
  func goesOn(at now: RunTime) -> Bool {
    now < deadline && !account.read { $0.isHopeless(limit: Self.failureLimit) }
  }

  func send(_ numbers: Range<Int>, scheduledAt time: RunTime) {
    account.change { $0.send(numbers, scheduledAt: time) }
  }

  /// Envelopes go out each with its own time.
  func send(_ numbers: Range<Int>, scheduledAt time: (Int) -> RunTime) {
    account.change { account in
      for number in numbers {
        account.send(number..<(number + 1), scheduledAt: time(number))
      }
    }
  }

  /// Answers to envelopes in order, the first of them to `first`.
  ///
  /// - Returns: whether all were good. An orderer ends the stream of an envelope that it refuses.
  func answer(_ answers: [[UInt8]], from first: Int) -> Bool {
    let now = clock.now
    return account.change { account in
      var allGood = true
      for (offset, message) in answers.enumerated() {
        let (status, info) = BroadcastAnswer.read(message)
        account.answer(first + offset, status: status, at: now)
        guard status != Account.success else { continue }
        allGood = false
        account.note("status \(status): \(info)")
      }
      return allGood
    }
  }

  func abandon(_ numbers: Range<Int>) {
    account.change { $0.abandon(numbers) }
  }

  func fail(_ reason: String) {
    account.change { $0.fail(reason) }
  }

  func deliver(_ numbers: [Int], transactions: Int) {
    let now = clock.now
    account.change { $0.deliver(numbers, transactions: transactions, at: now) }
  }

  /// Waits until something is true of the account.
  func changed(_ condition: @escaping @Sendable (Account) -> Bool) async {
    await account.wait { condition($0) ? () : nil }
  }

  /// Waits until all that was acknowledged is delivered.
  ///
  /// - Returns: whether that came about in time.
  func drained(within limit: Duration) async -> Bool {
    await account.wait(until: clock.time.now + limit, on: clock.time) { account in
      account.backlog == 0 ? () : nil
    } != nil
  }
}
