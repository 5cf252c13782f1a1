// Decodes the parts of messages that are not on the hot path, with refusals that name the part.

import FabricProtos
import SwiftProtobuf

/// Decodes a protobuf message, or refuses it as malformed.
///
/// Nested messages more than 100 levels deep count as malformed (SwiftProtobuf's default).
package func decode<Message: SwiftProtobuf.Message>(
  _ type: Message.Type, _ bytes: some SwiftProtobufContiguousBytes, _ name: String
) throws(ProcessingError) -> Message {
  do {
    return try Message(serializedBytes: bytes)
  } catch {
    throw .badRequest("\(name) is not a valid protobuf message")
  }
}

/// Finds the parts of a serialized envelope, or refuses it as malformed.
package func view(_ bytes: [UInt8], _ name: String) throws(ProcessingError) -> EnvelopeView {
  do {
    return try EnvelopeView(bytes)
  } catch {
    throw .badRequest("\(name) is unusable: \(error)")
  }
}

/// The update from which a config message was made.
package func lastUpdate(of envelope: Common_ConfigEnvelope) throws(ProcessingError) -> EnvelopeView
{
  guard envelope.hasLastUpdate else {
    throw .badRequest("the config message does not include the config update it was made from")
  }
  let bytes: [UInt8]
  do {
    bytes = try envelope.lastUpdate.serializedBytes()
  } catch {
    throw .badRequest("the config update within the config message cannot be serialized: \(error)")
  }
  return try view(bytes, "the config update within the config message")
}
