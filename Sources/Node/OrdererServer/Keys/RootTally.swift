// Which certificate authorities the channels bring, each of them once.

/// Certificates by the channels that have them: the same authorities appear in many.
struct RootTally {
  /// A certificate that is told from others quickly: its signature is at its end.
  private struct Root: Hashable {
    let certificate: [UInt8]

    func hash(into hasher: inout Hasher) {
      hasher.combine(certificate.count)
      for byte in certificate.suffix(16) { hasher.combine(byte) }
    }
  }

  private var rootsByChannel: [String: Set<Root>] = [:]
  /// How many channels bring a root.
  private var uses: [Root: Int] = [:]
  /// Counts changes of ``roots``.
  private(set) var version = 0

  /// All certificates, in no order.
  var roots: [[UInt8]] { uses.keys.map(\.certificate) }

  /// A channel has these certificates now; returns whether ``roots`` are others than before.
  mutating func set(_ roots: [[UInt8]], of channelID: String) -> Bool {
    let new = Set(roots.map(Root.init))
    let old = rootsByChannel.updateValue(new, forKey: channelID) ?? []
    if new.isEmpty { rootsByChannel[channelID] = nil }
    var changed = false
    for root in new.subtracting(old) {
      uses[root, default: 0] += 1
      changed = changed || uses[root] == 1
    }
    for root in old.subtracting(new) {
      let left = (uses[root] ?? 1) - 1
      uses[root] = left > 0 ? left : nil
      changed = changed || left == 0
    }
    if changed { version += 1 }
    return changed
  }
}
