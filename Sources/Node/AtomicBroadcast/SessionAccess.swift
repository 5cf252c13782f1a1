// Decides, again whenever it may have changed, whether a client may read a channel.

import ChannelConfig
import FabricProtos
import Foundation
import Membership
import MessageProcessing
import Multichannel
import Policies

/// Why a client may not read.
struct AccessDenied: Error, CustomStringConvertible {
  let description: String
}

/// The right of one Deliver request to read its channel (Fabric: `common/deliver/acl.go`).
///
/// The policy is evaluated at the first use and after each change of the channel's configuration; the
/// certificate's expiry is looked at every time.
struct SessionAccess {
  private let envelope: EnvelopeView
  private let creator: ArraySlice<UInt8>
  private let channel: Channel
  private let checksExpiration: Bool
  /// The configuration that the right was last checked against, by its sequence number, and when the
  /// client's certificate expires by it; nil if that does not matter.
  private var checked: (sequence: UInt64, expiresAt: Date?)?

  /// - Throws: `EnvelopeError` if the request has a malformed signature header.
  init(envelope: EnvelopeView, channel: Channel, checksExpiration: Bool) throws(EnvelopeError) {
    self.envelope = envelope
    creator = try envelope.signatureHeaderParts().creator
    self.channel = channel
    self.checksExpiration = checksExpiration
  }

  /// When the client's certificate expires; nil if that does not matter, or is not known yet.
  var expiresAt: Date? { checked?.expiresAt }

  /// - Throws: ``AccessDenied`` if the client may not read at this time.
  mutating func check(now: Date) throws(AccessDenied) {
    let bundle = channel.bundle
    if let checked, bundle.sequence <= checked.sequence {
      return try checkExpiry(checked.expiresAt, now)
    }
    // An identity that is not valid is refused by the policy.
    let expiresAt =
      checksExpiration
      ? try? bundle.mspManager.validIdentity(serialized: creator).expiresAt : nil
    try checkExpiry(expiresAt, now)
    try checkPolicy(bundle)
    // Noted only now: a session that was refused must be checked in full when it is checked again.
    checked = (bundle.sequence, expiresAt)
  }

  /// In maintenance mode only the orderers' own organizations read, so that peers do not follow a
  /// channel whose consensus type is being changed.
  private func checkPolicy(_ bundle: ConfigBundle) throws(AccessDenied) {
    let path =
      bundle.orderer?.consensusState == .maintenance
      ? PolicyPath.channelOrdererReaders : PolicyPath.channelReaders
    guard let policy = bundle.policyManager.policy(path) else {
      throw AccessDenied(description: "could not find policy \(path)")
    }
    let signature = SignedData(
      data: [envelope.payload], identity: creator, signature: envelope.signature)
    do {
      try policy.evaluate([signature])
    } catch {
      throw AccessDenied(description: "\(error): permission denied")
    }
  }

  private func checkExpiry(_ expiresAt: Date?, _ now: Date) throws(AccessDenied) {
    if let expiresAt, now > expiresAt {
      let seconds = Int(now.timeIntervalSince(expiresAt))
      throw AccessDenied(description: "deliver client identity expired \(seconds)s before")
    }
  }
}
