// Where a message stands among those that one node hands on to leaders.

/// What a leader recognizes a message by that another node hands on once more, since a connection broke and it cannot
/// know what arrived.
///
/// Only nodes of ours say it, and only to leaders of ours it means something: others skip the fields.
package struct SubmissionOrigin: Sendable, Hashable {
  /// A random number of the handing node's chain, which another start does not have.
  package let life: UInt64
  /// In which term the leader leads that it is for. One of another term will get it again.
  package let term: UInt64
  /// Messages of a series follow each other on one stream without a gap. A later series begins with the oldest message
  /// that is in no block. Stays on this node.
  package let series: Int
  /// Of this life's messages; rises with each, and stays with a message that is handed on again. From 1 on.
  package let number: UInt64

  package init(life: UInt64, term: UInt64, series: Int, number: UInt64) {
    self.life = life
    self.term = term
    self.series = series
    self.number = number
  }
}
