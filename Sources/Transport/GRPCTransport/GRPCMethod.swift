// Methods as the server knows them: a path and what runs for it.

/// One method of a service and its handler.
package struct GRPCMethod: Sendable {
  /// What runs for each call. Returning means `OK`; a thrown `GRPCStatus` is the call's status,
  /// `CancellationError` is `CANCELLED`, any other error `INTERNAL`. The handler's task is
  /// cancelled when the client resets the stream or disconnects, its deadline passes, or the server
  /// stops.
  package typealias Handler = @Sendable (GRPCServerStream) async throws -> Void

  /// The path of the request, such as `/orderer.AtomicBroadcast/Broadcast`.
  package let path: String
  package let handler: Handler

  package init(path: String, handler: @escaping Handler) {
    self.path = path
    self.handler = handler
  }
}

/// What is known about a call from its beginning.
package struct GRPCCall: Sendable {
  /// The fully qualified service, such as `orderer.AtomicBroadcast`.
  package let service: String
  /// The method's name, such as `Broadcast`.
  package let method: String
  /// The client's address as `host:port`, an IPv6 host in brackets.
  package let remoteAddress: String
  /// The client's certificate in DER, whose key it has; empty if it showed none. Where certificates are required it
  /// was verified, elsewhere it may be anybody's (``GRPCServerTLS/ClientAuthentication``). Only the leaf is
  /// kept: it is all that Fabric's TLS binding and the cluster's access list look at.
  package let peerCertificates: [[UInt8]]
  /// The keying material of the connection; nil unless ``GRPCServerTLS/exportsKeyingMaterial`` is set, and without TLS 1.3.
  package var exporter: TLSExporter?

  /// The path of the request.
  package var path: String { "/\(service)/\(method)" }
}

/// A call that is being served, in the hands of its stream.
struct ServedCall {
  let call: GRPCCall
  let exchange: StreamExchange
  let task: Task<Void, Never>
}

/// The methods of a server by path, and which services they make up.
struct MethodTable: Sendable {
  enum Lookup {
    case found(GRPCMethod, service: String, method: String)
    case refused(GRPCStatus)
  }

  private struct Entry: Sendable {
    let method: GRPCMethod
    let service: String
    let name: String
  }

  private let entries: [String: Entry]
  let services: Set<String>

  /// Paths that are not of the form `/service/method` are left out; of equal ones the last counts.
  init(_ methods: [GRPCMethod]) {
    var entries: [String: Entry] = [:]
    for method in methods {
      guard let (service, name) = Self.split(method.path) else { continue }
      entries[method.path] = Entry(method: method, service: service, name: name)
    }
    self.entries = entries
    self.services = Set(entries.values.map(\.service))
  }

  /// The method of a path or, in the words of Go's gRPC, why there is none.
  func lookup(_ path: String) -> Lookup {
    if let entry = entries[path] {
      return .found(entry.method, service: entry.service, method: entry.name)
    }
    guard let (service, name) = Self.split(path) else {
      return .refused(GRPCStatus(.unimplemented, "malformed method name: \"\(path)\""))
    }
    guard services.contains(service) else {
      return .refused(GRPCStatus(.unimplemented, "unknown service \(service)"))
    }
    return .refused(GRPCStatus(.unimplemented, "unknown method \(name) for service \(service)"))
  }

  private static func split(_ path: String) -> (service: String, method: String)? {
    guard path.first == "/", let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      return nil
    }
    let service = path[path.index(after: path.startIndex)..<slash]
    return (String(service), String(path[path.index(after: slash)...]))
  }
}
