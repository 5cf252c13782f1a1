// What an update would do, told without its signatures being enough.

import FabricProtos
import Policies

/// A look at an update before it is handed in.
package struct ConfigUpdatePreview: Sendable {
  /// One element that the update changes.
  package struct Change: Sendable, Equatable {
    package enum Element: String, Sendable, Equatable {
      case group, value, policy
    }
    package enum Act: String, Sendable, Equatable {
      case added, changed, removed
    }

    /// E.g. `/Channel/Orderer/BatchSize`.
    package let path: String
    package let element: Element
    package let act: Act
    /// The policy that guards it, e.g. `/Channel/Orderer/Admins`; nil if what is changed around it decides.
    package let policyPath: String?
    /// Why the signers may not change it; nil if they may.
    package let refusal: String?
  }

  /// By path.
  package let changes: [Change]
  /// The config that follows, as if the signatures sufficed.
  package let proposed: Common_ConfigEnvelope
  /// Who has signed, unverified.
  package let signatures: [SignedData]
}

extension ConfigBundle {
  /// Applies an update as ``proposeConfigUpdate(envelope:)`` does, whoever has signed it.
  ///
  /// - Parameter envelope: a serialized `common.Envelope` of type CONFIG_UPDATE.
  /// - Throws: ``ConfigError`` if the update could not be applied with any signatures.
  package func preview(envelope: [UInt8]) throws(ConfigError) -> ConfigUpdatePreview {
    let message = try ConfigMessages.envelope(envelope)
    let update = try ConfigMessages.configUpdateEnvelope(message)
    var changes: [ConfigUpdatePreview.Change] = []
    let result = try authorize(update) { [elements] key, entry, refusal in
      let current = elements.entries[key]
      changes.append(
        ConfigUpdatePreview.Change(
          path: entry.path(of: key), element: entry.kind,
          act: current == nil ? .added : .changed, policyPath: current?.guardPath,
          refusal: refusal?.description))
    }
    let proposed = try configEnvelope(result, lastUpdate: message)
    let kept = try ConfigElements(proposed.config.channelGroup)
    for (key, entry) in elements.entries where kept.entries[key] == nil {
      changes.append(
        ConfigUpdatePreview.Change(
          path: entry.path(of: key), element: entry.kind, act: .removed, policyPath: nil,
          refusal: nil))
    }
    return ConfigUpdatePreview(
      changes: changes.sorted { ($0.path, $0.element.rawValue) < ($1.path, $1.element.rawValue) },
      proposed: proposed, signatures: try Self.signatures(of: update))
  }
}

extension ConfigElements.Entry {
  /// The path within a key such as `[Value]  /Channel/Orderer/BatchSize`.
  fileprivate func path(of key: String) -> String {
    String(key.drop { $0 != "/" })
  }

  fileprivate var kind: ConfigUpdatePreview.Change.Element {
    switch element {
    case .group: .group
    case .value: .value
    case .policy: .policy
    }
  }

  /// The path of the policy that guards the element.
  fileprivate var guardPath: String {
    let policy = element.modPolicy
    guard policy.utf8.first != UInt8(ascii: "/") else { return policy }
    return ([""] + ["Channel"] + groups + [policy]).joined(separator: "/")
  }
}
