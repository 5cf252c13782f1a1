// Why a measurement could not be made.

/// A reason in words for the person at the terminal.
package struct BenchmarkError: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
