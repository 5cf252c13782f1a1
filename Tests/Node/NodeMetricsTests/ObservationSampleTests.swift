// A sample is bounded, and its share of the budget is given back.

import Testing

@testable import NodeMetrics

@Suite struct ObservationSampleTests {
  @Test func belowItsLimitASampleHasEverything() {
    let sample = ObservationSample(budget: ObservationBudget(10_000))
    for value in 0..<ObservationSample.limit { sample.add(Double(value)) }
    let (values, seen) = sample.take()
    #expect(values == (0..<ObservationSample.limit).map(Double.init))
    #expect(seen == UInt64(ObservationSample.limit))
    #expect(sample.take().values.isEmpty)
  }

  @Test func whatIsTakenMakesRoomForOthers() {
    let budget = ObservationBudget(3)
    let (first, second) = (ObservationSample(budget: budget), ObservationSample(budget: budget))
    for _ in 0..<5 { first.add(1) }
    second.add(2)
    #expect(second.take().values.isEmpty)
    let (values, seen) = first.take()
    #expect(values.count == 3)
    #expect(seen == 5)
    second.add(2)
    #expect(second.take().values == [2])
  }
}
