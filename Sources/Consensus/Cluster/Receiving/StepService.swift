// The Step service, as the node's port offers it to other nodes.

import GRPCTransport
import Logging

extension Cluster {
  /// The method on which other nodes send (Fabric: `orderer.Cluster/Step`). It never answers: Go's nodes read nothing
  /// of what would be sent.
  package var stepMethod: GRPCMethod {
    GRPCMethod(path: Self.stepPath) { stream in
      var session = StepSession(
        self, certificate: stream.peerCertificates.first, endpoint: stream.remoteAddress)
      let key = session.key
      guard self.ingress.open(key) else {
        throw GRPCStatus(.resourceExhausted, "too many streams")
      }
      defer { self.ingress.close(key) }
      self.logger.debug("Connection from \(session.name)")
      defer { self.logger.debug("Closing connection from \(session.name)") }
      while let messages = try await stream.nextMessages() { try await session.take(messages) }
    }
  }

  /// The path of the method.
  package static let stepPath = "/orderer.Cluster/Step"
}
