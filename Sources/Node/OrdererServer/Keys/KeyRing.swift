// The key pairs that this node has had for one purpose while it runs, and which of them is shown.

import RaftConsensus

/// Renewed files are one thing, and what the channels' configurations say of this node another: in between, the pair that
/// others know this node by is still there. A value.
struct KeyRing: Sendable {
  /// Renewals that no channel has come to know yet do not pile up.
  static let maximumPairs = 4

  /// The newest first; one at least.
  private(set) var pairs: [KeyPair]

  init(_ pair: KeyPair) { pairs = [pair] }

  /// The one that the files hold.
  var newest: KeyPair { pairs[0] }

  /// The files hold this pair now.
  ///
  /// - Returns: Whether it is another than before.
  mutating func renew(_ pair: KeyPair) -> Bool {
    guard pair != newest else { return false }
    pairs.removeAll { $0 == pair }
    pairs.insert(pair, at: 0)
    if pairs.count > Self.maximumPairs { pairs.removeLast() }
    return true
  }

  /// Lets go of pairs that no channel knows this node by.
  mutating func forget(unless isNamed: (ConsenterKey) -> Bool) {
    pairs = [newest] + pairs.dropFirst().filter { $0.key.map(isNamed) ?? false }
  }

  /// The pair to show to all: the newest that a channel knows this node by; if none does, the newest.
  func shown(_ isNamed: (ConsenterKey) -> Bool) -> KeyPair {
    pairs.first { $0.key.map(isNamed) ?? false } ?? newest
  }

  /// The pair to show to those who know this node by a certificate, in DER: with that certificate, or else with its key.
  func pair(for certificate: [UInt8]) -> KeyPair? {
    if let exact = pairs.first(where: { $0.certificate == certificate }) { return exact }
    guard let key = ConsenterKey(certificate: certificate) else { return nil }
    return pairs.first { $0.key == key }
  }
}
