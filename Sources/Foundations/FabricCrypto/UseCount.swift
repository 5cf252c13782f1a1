// How often a key has been used lately.

/// Uses within an epoch and within the one before it, in one word, so that they can be counted without a lock.
/// An epoch is a number of verifications, not a time.
struct UseCount: Equatable {
  private(set) var epoch: UInt32 = 0
  private(set) var inEpoch: UInt16 = 0
  private(set) var before: UInt16 = 0

  /// No uses.
  init() {}

  /// The count that ``word`` stands for.
  init(word: UInt64) {
    epoch = UInt32(truncatingIfNeeded: word >> 32)
    inEpoch = UInt16(truncatingIfNeeded: word >> 16)
    before = UInt16(truncatingIfNeeded: word)
  }

  var word: UInt64 { UInt64(epoch) << 32 | UInt64(inEpoch) << 16 | UInt64(before) }

  /// Counts a use, up to 65,535 in one epoch.
  mutating func count(in now: UInt32) {
    advance(to: now)
    if inEpoch < .max { inEpoch += 1 }
  }

  /// The uses within the current epoch, or within the last one if they were more: an epoch that has
  /// just begun says little.
  func recent(in now: UInt32) -> Int {
    var count = self
    count.advance(to: now)
    return Int(max(count.inEpoch, count.before))
  }

  private mutating func advance(to now: UInt32) {
    guard now != epoch else { return }
    before = now &- epoch == 1 ? inEpoch : 0
    inEpoch = 0
    epoch = now
  }
}
