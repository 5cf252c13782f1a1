// Why an HTTP server cannot be set up or started.

/// Names the service, the setting or the address, and the reason.
public struct HTTPServerError: Error, Sendable, CustomStringConvertible {
  public let description: String

  init(description: String) { self.description = description }

  /// In the words of the Go orderer, which operators' scripts look for.
  init(cannotStart name: HTTPServerName, _ reason: String) {
    description = "failed to start \(name.subsystem): \(reason)"
  }
}
