// Checking an update against the current config and working out the config it leads to.

import FabricProtos
import Foundation
import Policies

extension ConfigBundle {
  /// Applies an update of this config. Fabric: `ValidatorImpl.ProposeConfigUpdate`.
  ///
  /// The result is not checked as a config: make a bundle of it and pass that to
  /// ``validateNext(_:)``.
  ///
  /// - Parameter envelope: a serialized `common.Envelope` of type CONFIG_UPDATE.
  /// - Returns: the config that follows, with the sequence raised by one and the envelope as the last
  ///   update. Serialize it deterministically where several nodes must agree on its bytes.
  /// - Throws: ``ConfigError`` if the update is malformed, for another channel, made for another
  ///   state, or lacks signatures.
  package func proposeConfigUpdate(
    envelope: [UInt8]
  ) throws(ConfigError) -> Common_ConfigEnvelope {
    let message: Common_Envelope
    let update: Common_ConfigUpdateEnvelope
    do {
      message = try ConfigMessages.envelope(envelope)
      update = try ConfigMessages.configUpdateEnvelope(message)
    } catch {
      throw error.during("error converting envelope to config update")
    }
    let elements: ConfigElements
    do { elements = try authorize(update) } catch {
      throw error.during("error authorizing update")
    }
    return try configEnvelope(elements, lastUpdate: message)
  }

  /// The config that follows from elements.
  func configEnvelope(
    _ elements: ConfigElements, lastUpdate: Common_Envelope
  ) throws(ConfigError) -> Common_ConfigEnvelope {
    var result = Common_ConfigEnvelope()
    result.config.sequence = sequence &+ 1
    do { result.config.channelGroup = try elements.group() } catch {
      throw error.during("could not turn configMap back to channelGroup")
    }
    result.lastUpdate = lastUpdate
    return result
  }

  /// Checks that a config is what its own last update makes of this config.
  /// Fabric: `ValidatorImpl.Validate`.
  ///
  /// - Throws: ``ConfigError`` if the sequence does not follow, the update would be refused, or it
  ///   leads to another config.
  package func validate(_ configEnvelope: Common_ConfigEnvelope) throws(ConfigError) {
    guard configEnvelope.hasConfig else {
      throw ConfigError(.malformed, "config envelope has nil config")
    }
    let config = configEnvelope.config
    guard config.sequence == sequence &+ 1 else {
      throw ConfigError(
        .stale,
        "config currently at sequence \(sequence), cannot validate config at sequence "
          + "\(config.sequence)")
    }
    if config.hasChannelGroup { try config.channelGroup.checkBounds() }
    guard configEnvelope.hasLastUpdate else {
      throw ConfigError(.malformed, "config envelope has no last update")
    }
    let elements = try authorize(
      try ConfigMessages.configUpdateEnvelope(configEnvelope.lastUpdate))
    let expected: Common_ConfigGroup
    do { expected = try elements.group() } catch {
      throw error.during("could not turn configMap back to channelGroup")
    }
    guard config.hasChannelGroup, expected == config.channelGroup else {
      throw ConfigError(
        .invalid, "ConfigEnvelope LastUpdate did not produce the supplied config result")
    }
  }

  /// Checks that everything the update changes was at the version it expects and that the policies
  /// of what it changes are satisfied by its signatures. Fabric: `authorizeUpdate`.
  ///
  /// - Parameter note: told of everything that the update changes, and why its signers may not change it, if
  ///   they may not. If it is there, that is no error.
  /// - Returns: the elements of this config with those of the update put over them.
  func authorize(
    _ envelope: Common_ConfigUpdateEnvelope,
    note: ((_ key: String, _ entry: ConfigElements.Entry, _ refusal: ConfigError?) -> Void)? = nil
  ) throws(ConfigError) -> ConfigElements {
    try MapEntryCheck.configUpdate(envelope.configUpdate)
    let update = try ConfigMessages.decode(
      Common_ConfigUpdate.self, envelope.configUpdate, "config update")
    guard update.channelID == channelID else {
      throw ConfigError(
        .stale,
        "ConfigUpdate for channel '\(update.channelID)' but envelope for channel '\(channelID)'")
    }

    let readSet: ConfigElements
    do { readSet = try update.hasReadSet ? ConfigElements(update.readSet) : ConfigElements() } catch
    {
      throw error.during("error mapping ReadSet")
    }
    do { try verify(readSet: readSet) } catch { throw error.during("error validating ReadSet") }

    let writeSet: ConfigElements
    do {
      writeSet = try update.hasWriteSet ? ConfigElements(update.writeSet) : ConfigElements()
    } catch {
      throw error.during("error mapping WriteSet")
    }
    let delta = writeSet.entries.filter { key, entry in
      readSet.entries[key]?.element.version != entry.element.version
    }
    let signatures = try Self.signatures(of: envelope)
    do { try verify(delta: delta, signatures: signatures, note) } catch {
      throw error.during("error validating DeltaSet")
    }

    var result = elements
    result.entries.merge(delta) { $1 }
    if let missing = writeSet.entries.keys.filter({ result.entries[$0] == nil }).min() {
      throw ConfigError(
        .invalid,
        "full config did not verify: writeset contained key \(missing) which did not appear in "
          + "proposed config")
    }
    return result
  }

  private func verify(readSet: ConfigElements) throws(ConfigError) {
    for (key, entry) in readSet.entries.sorted(by: { $0.key < $1.key }) {
      guard let current = elements.entries[key] else {
        throw ConfigError(
          .stale, "existing config does not contain element for \(key) but was in the read set")
      }
      guard current.element.version == entry.element.version else {
        throw ConfigError(
          .stale,
          "proposed update requires that key \(key) be at version \(entry.element.version), but "
            + "it is currently at version \(current.element.version)")
      }
    }
  }

  private func verify(
    delta: [String: ConfigElements.Entry], signatures: [SignedData],
    _ note: ((String, ConfigElements.Entry, ConfigError?) -> Void)?
  ) throws(ConfigError) {
    guard !delta.isEmpty else {
      throw ConfigError(
        .stale, "delta set was empty -- update would have no effect")
    }
    var authorization = UpdateAuthorization(
      signatures, policyManager: policyManager, mspManager: mspManager)
    for (key, entry) in delta.sorted(by: { $0.key < $1.key }) {
      do { try ConfigNames.validateModPolicy(entry.element.modPolicy) } catch {
        throw error.during("invalid mod_policy for element \(key)")
      }
      let version = entry.element.version
      guard let current = elements.entries[key] else {
        guard version == 0 else {
          throw ConfigError(
            .stale,
            "attempted to set key \(key) to version \(version), but key does not exist")
        }
        // Whether something may be added is up to the mod policy of the group that lists it.
        note?(key, entry, nil)
        continue
      }
      guard version == current.element.version &+ 1 else {
        throw ConfigError(
          .stale,
          "attempt to set key \(key) to version \(version), but key is at version "
            + "\(current.element.version)")
      }
      guard let note else {
        try authorization.check(current, key: key)
        continue
      }
      var refusal: ConfigError?
      do { try authorization.check(current, key: key) } catch { refusal = error }
      note(key, entry, refusal)
    }
  }

  static func signatures(
    of envelope: Common_ConfigUpdateEnvelope
  ) throws(ConfigError) -> [SignedData] {
    let update = Array(envelope.configUpdate)[...]
    var result: [SignedData] = []
    result.reserveCapacity(min(envelope.signatures.count, SignerSet.maximumSignatures))
    for signature in envelope.signatures {
      let header = try ConfigMessages.decode(
        Common_SignatureHeader.self, signature.signatureHeader, "signature header of the update")
      result.append(
        SignedData(
          data: [Array(signature.signatureHeader)[...], update],
          identity: Array(header.creator)[...], signature: Array(signature.signature)[...]))
    }
    return result
  }
}
