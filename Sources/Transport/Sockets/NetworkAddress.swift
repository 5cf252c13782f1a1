// A host and a port: read from a setting, shown for a socket, and why neither works, in Go's words.

import Foundation
import NIOCore
import NIOPosix

/// The text is not an address.
package struct NetworkAddressError: Error, Sendable, CustomStringConvertible {
  package let description: String
}

/// A host and a port, `host:port` as Go's `net` package reads it.
package struct NetworkAddress: Equatable, Sendable {
  /// Without the brackets of an IPv6 address; empty stands for every interface, or this machine.
  package let host: String
  package let port: Int

  /// - Throws: ``NetworkAddressError`` with what is wrong; the caller says which setting has the text.
  package init(_ text: String) throws(NetworkAddressError) {
    // Go then listens on any port of every interface.
    guard !text.isEmpty else {
      (host, port) = ("", 0)
      return
    }
    guard let colon = text.lastIndex(of: ":") else {
      throw NetworkAddressError(description: "address \(text): missing port in address")
    }
    var host = text[..<colon]
    let digits = text[text.index(after: colon)...]
    if host.hasPrefix("[") {
      guard host.hasSuffix("]") else {
        throw NetworkAddressError(description: "address \(text): missing ']' in address")
      }
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw NetworkAddressError(
        description: "address \(text): too many colons in address; write [host]:port")
    }
    guard let port = digits.isEmpty ? 0 : UInt16(digits) else {
      throw NetworkAddressError(
        description: "address \(text): '\(digits)' is not a port, a number up to 65535")
    }
    (self.host, self.port) = (String(host), Int(port))
  }

  /// The hosts to try in this order. Go prefers IPv4 where a name has both.
  package var hostsToListen: [String] {
    switch host {
    case "": ["::", "0.0.0.0"]
    case "localhost": ["127.0.0.1", "::1"]
    default: [host]
    }
  }

  /// The host to connect to.
  package var hostToDial: String { host.isEmpty ? "127.0.0.1" : host }

  /// `host:port` of a socket's address.
  package static func text(_ address: SocketAddress?) -> String {
    guard let address else { return "" }
    guard let host = address.ipAddress, let port = address.port else { return "\(address)" }
    return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// A reason in the words of Go's `net` package.
  package static func reason(_ error: any Error, call: String) -> String {
    if let error = error as? NIOConnectionError {
      if let failure = error.connectionErrors.first {
        return reason(failure.error, call: call)
      }
      return "lookup \(error.host): no such host"
    }
    if error is SocketAddressError.UnknownHost { return "no such host" }
    if error is ChannelError { return "i/o timeout" }
    guard let error = error as? IOError else { return "\(error)" }
    return switch error.errnoCode {
    case EADDRINUSE: "\(call): address already in use"
    case EADDRNOTAVAIL: "\(call): cannot assign requested address"
    case EACCES: "\(call): permission denied"
    case ECONNREFUSED: "\(call): connection refused"
    case EHOSTUNREACH: "\(call): no route to host"
    case ENETUNREACH: "\(call): network is unreachable"
    default: "\(error)"
    }
  }
}
