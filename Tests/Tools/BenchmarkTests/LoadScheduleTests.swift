// When envelopes are due at a fixed rate.

import Testing

@testable import Benchmark

struct LoadScheduleTests {
  @Test("Streams that share a rate take turns")
  func turns() {
    let schedules = (0..<4).map { LoadSchedule(rate: 1_000, stream: $0, of: 4, numbers: 0..<3) }
    #expect(schedules.map(\.first) == [0, 1_000_000, 2_000_000, 3_000_000])
    #expect((0..<3).map { schedules[1].due($0) } == [1_000_000, 5_000_000, 9_000_000])
  }

  @Test("A stream's times begin with the first of its envelopes")
  func share() {
    let schedule = LoadSchedule(rate: 1_000, stream: 1, of: 2, numbers: 20..<30)
    #expect(schedule.due(20) == 1_000_000 && schedule.due(22) == 5_000_000)
    #expect(schedule.due(from: 21, at: 5_000_000, atMost: 5) == 21..<23)
  }

  @Test("What is due is handed out once, as much as there is room for")
  func taking() {
    let schedule = LoadSchedule(rate: 1_000, stream: 0, of: 1, numbers: 0..<10)
    #expect(schedule.due(from: 0, at: -1, atMost: 5) == 0..<0)
    #expect(schedule.due(from: 0, at: 0, atMost: 5) == 0..<1)
    #expect(schedule.due(1) == 1_000_000)
    // The server has stalled: much is due, and stays due while there is no room.
    #expect(schedule.due(from: 1, at: 7_500_000, atMost: 3) == 1..<4)
    #expect(schedule.due(4) == 4_000_000)
    #expect(schedule.due(from: 4, at: 7_500_000, atMost: 100) == 4..<8)
    #expect(schedule.due(from: 8, at: .max, atMost: 100) == 8..<10)
    #expect(schedule.due(from: 10, at: .max, atMost: 100) == 10..<10)
  }

  @Test("Times do not drift at rates whose interval is no whole number of nanoseconds")
  func drift() {
    let schedule = LoadSchedule(rate: 3, stream: 0, of: 1, numbers: 0..<1_000_000)
    #expect(abs(schedule.due(900_000) - 300_000 * 1_000_000_000) < 1_000)
  }
}
