// Why the node does not start.

/// A step of the start-up that failed; the message names the setting or file and the cause.
package struct StartupError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) {
    self.description = description
  }

  /// Runs a step and puts what it was about before the message of whatever goes wrong.
  static func wrap<Result>(_ step: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as StartupError {
      throw error
    } catch {
      throw StartupError("\(step): \(error)")
    }
  }
}
