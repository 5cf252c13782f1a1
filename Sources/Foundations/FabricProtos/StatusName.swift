// What statuses are called in logs and metrics.

extension Common_Status {
  /// The name that Fabric gives to the status, e.g. `BAD_REQUEST`; its number if it is not one of Fabric's.
  package var name: String {
    switch self {
    case .unknown: "UNKNOWN"
    case .success: "SUCCESS"
    case .badRequest: "BAD_REQUEST"
    case .forbidden: "FORBIDDEN"
    case .notFound: "NOT_FOUND"
    case .requestEntityTooLarge: "REQUEST_ENTITY_TOO_LARGE"
    case .internalServerError: "INTERNAL_SERVER_ERROR"
    case .notImplemented: "NOT_IMPLEMENTED"
    case .serviceUnavailable: "SERVICE_UNAVAILABLE"
    case .UNRECOGNIZED(let value): "\(value)"
    }
  }
}
