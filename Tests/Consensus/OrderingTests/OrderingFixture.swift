// Messages of any size.

import FabricProtos

@testable import Ordering

/// A message whose envelope has `bytes` bytes.
func message(bytes: Int) throws -> OrderedMessage {
  // A payload with an empty channel header, and the signature makes up the rest.
  var envelope: [UInt8] = [0x0A, 4, 0x0A, 2, 0x0A, 0, 0x12]
  let length = bytes - envelope.count - Varint.size(UInt64(bytes))
  Varint.append(UInt64(length), to: &envelope)
  envelope += [UInt8](repeating: 1, count: bytes - envelope.count)
  return OrderedMessage(envelope: try EnvelopeView(envelope), configSequence: 1, isConfig: false)
}
