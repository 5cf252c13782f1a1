// Times that no busy machine can exceed.

import HTTPTransport

extension HTTPServerLimits {
  /// The usual limits, but for times that no busy machine can exceed.
  package static var patient: HTTPServerLimits {
    var limits = HTTPServerLimits()
    limits.readTimeout = .seconds(3600)
    limits.writeTimeout = .seconds(3600)
    limits.handlerTimeout = .seconds(3600)
    return limits
  }
}
