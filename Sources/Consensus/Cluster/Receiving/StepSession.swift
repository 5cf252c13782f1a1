// What one node sends on one stream.

import Blocks
import FabricProtos
import GRPCTransport
import Logging
import Membership
import Ordering

/// A stream of the Step service, from this side: each message is checked on its own, since a stream may carry several
/// channels, and handed to the channel's chain. Whatever is wrong ends the stream.
struct StepSession {
  private let cluster: Cluster
  private let endpoint: String
  /// The public key of the certificate that the node showed; nil if it showed none.
  let key: [UInt8]?
  private let nodeName: String?
  private var expiry: ExpiryWatch?
  /// On which channel the node was heard of last, so that this is noted once.
  private var heardOn: String?
  private let logger: Logger

  /// - Parameters:
  ///   - certificate: What the node showed, in DER; nil for nothing.
  ///   - endpoint: From where it connected.
  init(_ cluster: Cluster, certificate: [UInt8]?, endpoint: String) {
    self.cluster = cluster
    self.endpoint = endpoint
    logger = cluster.logger
    let certificate = certificate.flatMap { try? TLSCertificate(der: $0) }
    key = certificate?.subjectPublicKeyInfo
    nodeName = certificate?.commonName
    expiry = certificate.map {
      ExpiryWatch(
        notAfter: $0.notAfter,
        threshold: cluster.settings.certificateExpirationWarningThreshold)
    }
  }

  /// Takes messages that arrived together. Submissions that follow each other reach their chain together.
  ///
  /// - Throws: The status with which the stream has to end.
  mutating func take(_ messages: [[UInt8]]) async throws(GRPCStatus) {
    var burst = Submissions()
    for bytes in messages {
      let request: StepRequest
      do { request = try StepRequest(bytes) } catch {
        try await hand(&burst)
        throw GRPCStatus(
          .internalError, "grpc: failed to unmarshal the received message: it is no StepRequest")
      }
      warn(request.channel)
      guard case .submit(let submit) = request, burst.isEmpty || burst.channel == submit.channel
      else {
        try await hand(&burst)
        try await takeAlone(request, &burst)
        continue
      }
      do throws(GRPCStatus) { try collect(submit, &burst) } catch {
        try await hand(&burst)
        throw error
      }
    }
    try await hand(&burst)
  }

  private mutating func takeAlone(
    _ request: StepRequest, _ burst: inout Submissions
  ) async throws(GRPCStatus) {
    switch request {
    case .submit(let submit): try collect(submit, &burst)
    case .consensus(let consensus):
      let sender = try identify(consensus.channel)
      do throws(ClusterRefusal) {
        try await sender.chain.received(
          consensus.payload, metadata: consensus.metadata, from: sender.id)
      } catch { throw GRPCStatus(error) }
    case .neither:
      throw GRPCStatus(.unknown, "message is neither a Submit nor a Consensus request")
    }
  }

  /// Submissions for one channel that came one after the other.
  private struct Submissions {
    var channel = ""
    var messages: [OrderedMessage] = []
    var isEmpty: Bool { messages.isEmpty }
  }

  private mutating func collect(
    _ submit: StepRequest.SubmitRequest, _ burst: inout Submissions
  ) throws(GRPCStatus) {
    if burst.isEmpty { _ = try identify(submit.channel) }
    let envelope: EnvelopeView
    do throws(EnvelopeError) {
      guard let bytes = submit.envelope else { throw .missingHeader }
      envelope = try EnvelopeView(Array(bytes))
    } catch {
      let refusal = ClusterRefusal("bad message: \(error)")
      tell(refusal)
      throw GRPCStatus(refusal)
    }
    burst.channel = submit.channel
    burst.messages.append(
      OrderedMessage(
        envelope: envelope, configSequence: submit.lastValidationSequence,
        isConfig: MessageClass(envelope) == .config, origin: submit.origin))
  }

  /// Hands on the submissions that were collected.
  private mutating func hand(_ burst: inout Submissions) async throws(GRPCStatus) {
    guard !burst.isEmpty else { return }
    defer { burst = Submissions() }
    let sender = try identify(burst.channel)
    do throws(ClusterRefusal) {
      try await sender.chain.submitted(burst.messages, by: sender.id)
    } catch {
      tell(error)
      throw GRPCStatus(error)
    }
  }

  private mutating func identify(_ channelID: String) throws(GRPCStatus) -> Cluster.Sender {
    do throws(ClusterRefusal) {
      let sender = try cluster.sender(on: channelID, key: key)
      if heardOn != channelID {
        heardOn = channelID
        cluster.heard(from: sender.id, on: channelID)
      }
      return sender
    } catch {
      logger.warning("A message from \(name) is refused: \(error)")
      throw GRPCStatus(error)
    }
  }

  /// Who the node is, for the log.
  var name: String { "\(nodeName ?? "unidentified node")(\(endpoint))" }

  private func tell(_ refusal: ClusterRefusal) {
    logger.warning("Handling of Submit() from \(endpoint) failed: \(refusal)")
  }

  private mutating func warn(_ channelID: String) {
    guard let left = expiry?.check(now: cluster.now()) else { return }
    logger.warning(
      "\(ExpiryWatch.text(node: nodeName, endpoint: endpoint, channel: channelID, left: left))")
  }
}

extension GRPCStatus {
  /// As Go's gRPC reports an error without a status.
  fileprivate init(_ refusal: ClusterRefusal) { self.init(.unknown, refusal.description) }
}
