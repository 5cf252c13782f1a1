// Requests and responses of tests.

import Foundation
import NIOSSL

/// A response, taken apart.
package struct Answer {
  package let status: Int
  /// By their names in lower case.
  package let headers: [String: String]
  package let body: String

  /// - Throws: ``NoAnswer``
  package init(_ text: String) throws {
    guard let end = text.firstRange(of: "\r\n\r\n") else { throw NoAnswer(received: text) }
    let lines = text[..<end.lowerBound].split(separator: "\r\n")
    guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { throw NoAnswer(received: text) }
    self.status = status
    headers = Dictionary(
      lines.dropFirst().map { line in
        let colon = line.firstIndex(of: ":") ?? line.endIndex
        return (
          line[..<colon].lowercased(),
          line[colon...].dropFirst().trimmingCharacters(in: .whitespaces)
        )
      }, uniquingKeysWith: { $0 + ", " + $1 })
    body = String(text[end.upperBound...])
  }
}

/// One request on a connection of its own.
package func ask(
  _ address: String?, _ method: String, _ path: String, _ body: String? = nil,
  headers: [String] = [], tls: NIOSSLContext? = nil
) async throws -> Answer {
  guard let address else { throw NoAnswer(received: "the server does not listen") }
  var request = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
  for header in headers { request += header + "\r\n" }
  if let body { request += "Content-Length: \(body.utf8.count)\r\n" }
  return try await exchange(address, request + "\r\n" + (body ?? ""), tls: tls)
}

/// The answer to these bytes, until the server closes.
package func exchange(
  _ address: String, _ bytes: String, tls: NIOSSLContext? = nil
) async throws -> Answer {
  let wire = try await Wire(address, tls: tls)
  try await wire.send(bytes)
  return try Answer(try await wire.untilClosed())
}
