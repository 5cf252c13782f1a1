// Messages that have to go on one stream.

import Ordering

/// Tells the series of one node's messages apart.
struct EgressSeries: Sendable, Hashable {
  let life: UInt64
  let series: Int

  init(_ origin: SubmissionOrigin) {
    life = origin.life
    series = origin.series
  }
}
