// Who takes part in which channel, as a value.

import Membership
import Ordering

/// The other members of each channel, and by which key each is known.
struct MemberRegistry: Sendable {
  /// A member and what its certificates say.
  struct Entry: Sendable, Equatable {
    let member: ClusterMember
    /// How it is reached; nil if its server certificate cannot be read.
    let server: ClusterServer?
    /// The name in the server certificate, and its last second.
    let nodeName: String?
    let notAfter: Int64
    /// The key by which it is known when it connects; nil if its client certificate cannot be read.
    let clientKey: [UInt8]?

    /// - Parameter ownCertificate: By which the member knows this node, in DER; nil if by any.
    init(_ member: ClusterMember, ownCertificate: [UInt8]? = nil) {
      self.member = member
      let certificate = try? TLSCertificate(pem: member.serverCertificate)
      server = certificate.map {
        ClusterServer(
          host: member.host, port: member.port, certificate: $0.der,
          ownCertificate: ownCertificate)
      }
      nodeName = certificate?.commonName
      notAfter = certificate?.notAfter ?? .max
      clientKey = (try? TLSCertificate(pem: member.clientCertificate))?.subjectPublicKeyInfo
    }
  }

  private struct Channel: Sendable {
    var entries: [UInt64: Entry] = [:]
    var idsByKey: [[UInt8]: UInt64] = [:]
  }

  private var channels: [String: Channel] = [:]

  /// What a new list of members means for the connections.
  struct Change: Sendable, Equatable {
    /// Members that are gone, or are reached in another way now.
    var gone: [Entry] = []
    /// Members that are new, or are reached in another way now.
    var new: [Entry] = []
  }

  /// The members of a channel, by id.
  func entries(of channelID: String) -> [UInt64: Entry] { channels[channelID]?.entries ?? [:] }

  /// Sets the members of a channel. Those that are still reached in the same way keep what they have.
  mutating func set(_ entries: [Entry], of channelID: String) -> Change {
    let old = self.entries(of: channelID)
    var channel = Channel()
    for entry in entries {
      channel.entries[entry.member.id] = entry
      if let key = entry.clientKey { channel.idsByKey[key] = entry.member.id }
    }
    channels[channelID] = channel
    let isKept = { (id: UInt64) in
      guard let server = old[id]?.server else { return false }
      return channel.entries[id]?.server == server
    }
    return Change(
      gone: old.values.filter { !isKept($0.member.id) }.sorted { $0.member.id < $1.member.id },
      new: channel.entries.values.filter { !isKept($0.member.id) }
        .sorted { $0.member.id < $1.member.id })
  }

  /// Forgets a channel.
  ///
  /// - Returns: Its members.
  mutating func remove(_ channelID: String) -> [Entry] {
    (channels.removeValue(forKey: channelID)?.entries.values).map(Array.init) ?? []
  }

  /// Who sends on a channel.
  ///
  /// - Parameter key: The public key of the certificate that the sender showed; nil if it showed none.
  /// - Throws: why the sender is refused, in Go's words and in its order.
  func sender(
    on channelID: String, key: [UInt8]?
  ) throws(ClusterRefusal) -> UInt64 {
    guard !channelID.isEmpty else {
      throw ClusterRefusal("badly formatted message, cannot extract channel")
    }
    guard let channel = channels[channelID] else { throw .missing(channelID) }
    guard let key else { throw ClusterRefusal("no TLS certificate sent") }
    guard let id = channel.idsByKey[key] else {
      throw ClusterRefusal("certificate extracted from TLS connection isn't authorized")
    }
    return id
  }
}

extension ClusterRefusal {
  /// No channel of this name is ordered here.
  static func missing(_ channelID: String) -> ClusterRefusal {
    ClusterRefusal("channel \(channelID) doesn't exist")
  }
}
