// Config updates as operators hand them in.

import FabricProtos

/// An envelope that claims to update a channel's configuration.
struct ConfigUpdateRequest {
  /// The channel that the update within names.
  let channelID: String
  let envelope: EnvelopeView

  /// - Throws: ``RequestProblem`` with status 400 (Fabric:
  ///   `channelparticipation.ValidateUpdateConfigEnvelope`).
  init(_ bytes: [UInt8]) throws(RequestProblem) {
    do { envelope = try EnvelopeView(bytes) } catch {
      guard error != .malformed("envelope") else {
        throw RequestProblem(
          status: 400,
          "cannot unmarshal file part \(ParticipationForm.configUpdate) into an envelope: \(error)")
      }
      throw Self.invalid("\(error)")
    }
    guard envelope.headerType == Int32(Common_HeaderType.configUpdate.rawValue) else {
      throw Self.invalid("bad type")
    }
    guard !envelope.channelID.isEmpty else { throw Self.invalid("empty channel id") }
    do {
      let signed = try Common_ConfigUpdateEnvelope(serializedBytes: Array(envelope.data))
      channelID = try Common_ConfigUpdate(serializedBytes: signed.configUpdate).channelID
    } catch { throw Self.invalid("error unmarshalling the config update") }
  }

  private static func invalid(_ reason: String) -> RequestProblem {
    RequestProblem(status: 400, "invalid config update envelope: \(reason)")
  }
}
