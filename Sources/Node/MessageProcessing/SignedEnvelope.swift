// Makes the envelopes that an orderer signs itself: CONFIG and ORDERER_TRANSACTION.

import FabricProtos
import Foundation
import Membership

/// Makes signed envelopes as Fabric's nodes do (Fabric: `protoutil.CreateSignedEnvelope`).
package struct SignedEnvelopeMaker: Sendable {
  private let environment: ProcessingEnvironment

  package init(environment: ProcessingEnvironment) {
    self.environment = environment
  }

  /// A serialized envelope for a channel, signed by `signer`.
  ///
  /// The channel header has version 0, epoch 0, no transaction id and a timestamp in whole seconds;
  /// maps are serialized in the order of their keys.
  ///
  /// - Throws: ``ProcessingError/internalFailure(_:)`` if the key store refuses to sign.
  package func envelope(
    _ type: Common_HeaderType, channelID: String, data: [UInt8], signer: any Signer
  ) throws(ProcessingError) -> [UInt8] {
    do {
      var channelHeader = Common_ChannelHeader()
      channelHeader.type = Int32(truncatingIfNeeded: type.rawValue)
      channelHeader.channelID = channelID
      let seconds = environment.now().timeIntervalSince1970.rounded(.down)
      channelHeader.timestamp.seconds = Int64(exactly: seconds) ?? 0
      return try signer.envelope(channelHeader, data: data, nonce: environment.nonce())
    } catch {
      throw .internalFailure(
        "this orderer could not sign a message for channel '\(channelID)' (\(error)); check its "
          + "local MSP and key store")
    }
  }
}
