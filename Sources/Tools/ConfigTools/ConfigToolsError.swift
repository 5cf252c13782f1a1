// What the tools tell people when they cannot do what they were asked to.

/// Why a tool cannot show or find a configuration; a sentence for the person who asked.
package struct ConfigToolsError: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
