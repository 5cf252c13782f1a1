// Clients cannot fill the log.

import Concurrency
import Testing

@testable import HTTPTransport

@Suite struct NoticeAllowanceTests {
  @Test func noMoreThanSoManyComeInAnInterval() {
    let start = ManualTime().now
    var allowance = NoticeAllowance(since: start)
    let taken = (0...NoticeAllowance.perInterval).map { _ in allowance.take(at: start) }
    #expect(taken.first == NoticeAllowance.perInterval - 1)
    #expect(taken.suffix(2) == [0, nil])
    #expect(allowance.take(at: start + NoticeAllowance.interval) == nil)
    let later = start + NoticeAllowance.interval + .seconds(1)
    #expect(allowance.take(at: later) == NoticeAllowance.perInterval - 1)
  }
}
