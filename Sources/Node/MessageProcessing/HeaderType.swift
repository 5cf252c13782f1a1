// The header types of messages that only orderers make, and what such messages wrap.

import FabricProtos

/// The header types of messages that orderers make.
package enum HeaderType {
  package static let config = Int32(Common_HeaderType.config.rawValue)
  package static let ordererTransaction = Int32(Common_HeaderType.ordererTransaction.rawValue)

  /// The envelope of the new channel within an ORDERER_TRANSACTION.
  package static func wrappedConfig(_ envelope: EnvelopeView) throws(ProcessingError)
    -> EnvelopeView
  {
    try view(Array(envelope.data), "the message wrapped in the channel creation")
  }

  /// The type's name for logs and refusals.
  package static func name(_ type: Int32) -> String {
    Common_HeaderType.name(of: Int(type)) ?? "\(type)"
  }
}
