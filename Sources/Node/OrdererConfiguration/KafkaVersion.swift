// Kafka protocol versions, as far as Fabric tells them apart.

/// The version of Kafka's protocol that a node speaks (Fabric: viperutil's Kafka version hook).
package struct KafkaVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
  private let components: [Int]

  private init(_ components: Int...) { self.components = components }

  /// The default, 0.10.2.0.
  package static let standard = KafkaVersion(0, 10, 2, 0)

  /// All versions, oldest first. The last, 1.0.0, stands for every later one.
  package static let all: [KafkaVersion] = [
    KafkaVersion(0, 8, 2, 0), KafkaVersion(0, 8, 2, 1), KafkaVersion(0, 8, 2, 2),
    KafkaVersion(0, 9, 0, 0), KafkaVersion(0, 9, 0, 1), KafkaVersion(0, 10, 0, 0),
    KafkaVersion(0, 10, 0, 1), KafkaVersion(0, 10, 1, 0), KafkaVersion(0, 10, 2, 0),
    KafkaVersion(0, 11, 0, 0), KafkaVersion(1, 0, 0, 0),
  ]

  /// Why a text names no version.
  enum ParseError: Error { case malformed, unsupported }

  /// The newest version that is not newer than the one in the text: `0.10.1.1` is 0.10.1.0.
  init(parsing text: String) throws(ParseError) {
    var numbers = text[...]
    if numbers.first == "v" { numbers.removeFirst() }
    // A pre-release is older than the release, so no version of the list is certain to do.
    let preRelease = numbers.contains("-")
    if let end = numbers.firstIndex(where: { $0 == "-" || $0 == "+" }) { numbers = numbers[..<end] }
    var wanted: [Int] = []
    for part in numbers.split(separator: ".", omittingEmptySubsequences: false) {
      guard part.count <= 9, part.utf8.allSatisfy({ (48...57).contains($0) }),
        let number = Int(part), wanted.count < 8
      else { throw .malformed }
      wanted.append(number)
    }
    guard !preRelease, let version = Self.all.last(where: { !Self.precedes(wanted, $0.components) })
    else { throw .unsupported }
    self = version
  }

  private static func precedes(_ left: [Int], _ right: [Int]) -> Bool {
    for index in 0..<max(left.count, right.count) {
      let (l, r) = (
        left.indices.contains(index) ? left[index] : 0,
        right.indices.contains(index) ? right[index] : 0
      )
      if l != r { return l < r }
    }
    return false
  }

  package static func < (left: KafkaVersion, right: KafkaVersion) -> Bool {
    precedes(left.components, right.components)
  }

  /// Four numbers before 1.0, three from then on, as Kafka itself counts.
  package var description: String {
    let shown = components.first == 0 ? components[...] : components.prefix(3)
    return shown.map(String.init).joined(separator: ".")
  }
}
