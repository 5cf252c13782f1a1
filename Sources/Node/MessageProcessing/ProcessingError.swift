// Why a message is refused, with the status and the text that the client gets.

import FabricProtos
import GoText

/// Why a message was refused.
///
/// ``status`` is what the Broadcast response carries as its status (Fabric: `ClassifyError` of
/// `orderer/common/broadcast`), ``reason`` what it carries as its info.
package enum ProcessingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The message violates a rule that the sender can satisfy.
  case badRequest(String)
  /// The sender does not satisfy the policy that guards the channel.
  case forbidden(String)
  /// No channel of that name exists, and the message does not create one.
  case channelNotFound(String)
  /// The channel is in maintenance mode, in which such messages are refused for the time being.
  case maintenance(String)
  /// This node failed, for instance because its key store refused to sign. Fabric's Go orderer
  /// answers BAD_REQUEST here, which blames the client.
  case internalFailure(String)

  /// The status for the client.
  package var status: Common_Status {
    switch self {
    case .badRequest: .badRequest
    case .forbidden: .forbidden
    case .channelNotFound: .notFound
    case .maintenance: .serviceUnavailable
    case .internalFailure: .internalServerError
    }
  }

  /// What happened, for the client and the log.
  package var reason: String {
    switch self {
    case .badRequest(let reason), .internalFailure(let reason): reason
    case .forbidden(let reason): "\(reason): permission denied"
    case .channelNotFound(let channel): "channel does not exist: \(Quoting.name(channel))"
    case .maintenance(let reason): "\(reason): maintenance mode"
    }
  }

  package var description: String { reason }

  /// The same refusal, of the same status, with its reason preceded by what was being done.
  package func during(_ activity: String) -> ProcessingError {
    switch self {
    case .badRequest(let reason): .badRequest("\(activity): \(reason)")
    case .forbidden(let reason): .forbidden("\(activity): \(reason)")
    case .channelNotFound: self
    case .maintenance(let reason): .maintenance("\(activity): \(reason)")
    case .internalFailure(let reason): .internalFailure("\(activity): \(reason)")
    }
  }
}

/// Puts what is being done in front of the reason of a refusal.
package func during<Value>(
  _ activity: String, _ body: () throws(ProcessingError) -> Value
) throws(ProcessingError) -> Value {
  do {
    return try body()
  } catch {
    throw error.during(activity)
  }
}
