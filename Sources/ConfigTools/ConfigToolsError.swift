// What the tools for people say when they cannot do what they were asked to.

/// Why a tool cannot show or find a configuration; a sentence for the person who asked.
public struct ConfigToolsError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}
