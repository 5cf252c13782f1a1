// Times that no busy machine can exceed.

import HTTPTransport

extension HTTPServerLimits {
  static var patient: HTTPServerLimits {
    var limits = HTTPServerLimits()
    limits.readTimeout = .seconds(3600)
    limits.writeTimeout = .seconds(3600)
    return limits
  }
}
