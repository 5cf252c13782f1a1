// The checks that every message of a channel has to pass: size, expiry, signature and policy.

import ChannelConfig
import FabricProtos
import Foundation
import Membership
import Policies

/// The rules for normal and config messages alike, cheapest first (Fabric:
/// `msgprocessor.CreateStandardChannelFilters`).
///
/// Fabric's first rule, which refuses empty messages, is met by every ``EnvelopeView``.
package struct MessageFilters: Sendable {
  private let environment: ProcessingEnvironment

  package init(environment: ProcessingEnvironment) {
    self.environment = environment
  }

  /// Applies all rules with the same config.
  package func check(_ envelope: EnvelopeView, _ bundle: ConfigBundle) throws(ProcessingError) {
    let orderer = try bundle.requiredOrderer(orThrow: ProcessingError.internalFailure)
    try checkSize(envelope, orderer)
    let creator = try creator(of: envelope)
    let identity = Result { () throws(MembershipError) in
      try bundle.mspManager.validIdentity(serialized: creator)
    }
    if environment.checksExpiration, orderer.capabilities.expirationCheck {
      try checkExpiry(identity, creator)
    }
    try checkPolicy(envelope, identity, bundle, orderer)
  }

  /// Payload and signature together may have at most `AbsoluteMaxBytes` bytes (Fabric:
  /// `msgprocessor.MaxBytesRule`).
  package func checkSize(
    _ envelope: EnvelopeView, _ orderer: OrdererGroupConfig
  ) throws(ProcessingError) {
    let size = envelope.payload.count + envelope.signature.count
    let limit = orderer.batchSize.absoluteMaxBytes
    guard size <= limit else {
      throw .badRequest(
        "message payload is \(size) bytes and exceeds maximum allowed \(limit) bytes")
    }
  }

  private func creator(of envelope: EnvelopeView) throws(ProcessingError) -> ArraySlice<UInt8> {
    do {
      return try envelope.signatureHeaderParts().creator
    } catch {
      throw .badRequest("could not convert message to signedData: \(error)")
    }
  }

  /// The creator's certificate must not be past its end of validity. An identity whose end of
  /// validity cannot be told counts as valid here (Fabric: `msgprocessor.expirationRejectRule`).
  private func checkExpiry(
    _ identity: Result<Identity, MembershipError>, _ creator: ArraySlice<UInt8>
  ) throws(ProcessingError) {
    let expiry: Date?
    switch identity {
    case .success(let identity): expiry = identity.expiresAt
    // The policy refuses it in any case, but the client gets the status of the first rule it violates.
    case .failure: expiry = certificateExpiry(serializedIdentity: creator)
    }
    if let expiry, environment.now() >= expiry {
      throw .badRequest("broadcast client identity expired")
    }
  }

  /// The creator's signature must be valid and satisfy the policy for writing (Fabric:
  /// `msgprocessor.SigFilter`).
  private func checkPolicy(
    _ envelope: EnvelopeView, _ identity: Result<Identity, MembershipError>,
    _ bundle: ConfigBundle, _ orderer: OrdererGroupConfig
  ) throws(ProcessingError) {
    let path = bundle.writersPath
    guard let policy = bundle.writers else {
      throw .badRequest("could not find policy \(path)")
    }
    // A sender who may not write is refused before the signature is verified, since that costs the most.
    // As in Fabric, a signature that does not count leaves the policy with none: some policies ask for
    // none, and the others say best what they lack.
    var refusal: String?
    do {
      switch identity {
      case .success(let identity):
        try policy.evaluate(identities: [identity])
        guard !identity.verify(message: envelope.payload, signature: envelope.signature) else {
          return
        }
        refusal = "the signature is not valid"
      case .failure(let error): refusal = "\(error)"
      }
      try policy.evaluate(identities: [])
    } catch {
      let signer = (try? identity.get()).map { "mspid=\($0.mspID) \($0.summary)" } ?? "unknown"
      environment.logger.warning(
        """
        SigFilter evaluation failed: \(error), policyName: \(path), \
        ConsensusState: \(orderer.consensusState.fabricName), channel: \(bundle.channelID), \
        signingIdentity: (\(signer)), cause: \(refusal ?? "it lacks the required role")
        """)
      throw .forbidden("\(error)")
    }
  }
}
