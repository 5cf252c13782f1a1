// Why an HTTP server cannot be set up or started.

/// Names the service, the setting or the address, and the reason.
package struct HTTPServerError: Error, Sendable, CustomStringConvertible {
  package let description: String
  /// What is wrong, without what could not be done because of it.
  package let reason: String

  init(description: String) { (self.description, reason) = (description, description) }

  /// In the words of the Go orderer, which operators' scripts look for.
  init(cannotStart name: HTTPServerName, _ reason: String) {
    description = "failed to start \(name.subsystem): \(reason)"
    self.reason = reason
  }
}
