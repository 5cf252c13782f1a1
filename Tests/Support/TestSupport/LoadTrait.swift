// Which tests must not run beside each other.

import Testing

/// What a test asks of the machine.
package enum Load: Sendable, Hashable {
  /// Computes for many seconds, or writes much to disk.
  case heavy
  /// Talks over sockets, with this process or another one, or has nodes that talk to each other: something waits for it.
  case sockets
}

/// Keeps tests that compute from running beside tests that talk: on few cores, the first starve the
/// second of the time that the other end of a socket gives them.
///
/// Give it to a suite, or to one test: `@Suite(.heavy)`, `@Suite(.sockets)`. Tests of one kind run beside
/// each other; tests of neither kind run beside all. Of a test that has several, the outermost counts.
package struct LoadTrait: SuiteTrait, TestTrait, TestScoping {
  let load: Load

  @TaskLocal private static var running: Load?
  private static let gate = LoadGate()

  package var isRecursive: Bool { true }

  /// Each case of each test enters by itself; a suite as a whole does not.
  package func scopeProvider(for test: Test, testCase: Test.Case?) -> LoadTrait? {
    test.isSuite || testCase == nil ? nil : self
  }

  package func provideScope(
    for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
  ) async throws {
    guard Self.running == nil else { return try await body() }
    await Self.gate.enter(load)
    defer { Self.gate.leave() }
    try await Self.$running.withValue(load) { try await body() }
  }
}

extension Trait where Self == LoadTrait {
  /// Computes for many seconds, or writes much to disk.
  package static var heavy: Self { LoadTrait(load: .heavy) }
  /// Talks over sockets.
  package static var sockets: Self { LoadTrait(load: .sockets) }
}
