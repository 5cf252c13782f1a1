// What a server sends as headers: how a response begins, and how it ends.

import NIOHPACK

/// The headers that the server sends.
enum ResponseHeaders {
  static let initial: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]

  /// - Parameter httpStatus: for a response without a body; nil when headers were sent before.
  static func trailers(_ status: GRPCStatus, httpStatus: Int?) -> HPACKHeaders {
    var headers = HPACKHeaders()
    headers.reserveCapacity(4)
    if let httpStatus {
      headers.add(name: ":status", value: String(httpStatus))
      headers.add(name: "content-type", value: "application/grpc")
    }
    headers.add(name: "grpc-status", value: String(status.code.rawValue))
    if !status.message.isEmpty {
      headers.add(name: "grpc-message", value: status.encodedMessage, indexing: .nonIndexable)
    }
    return headers
  }
}
