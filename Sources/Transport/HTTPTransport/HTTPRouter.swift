// Which route answers a path.

import Synchronization

/// The routes of a server. Paths are matched as Go's ServeMux does for patterns without methods and
/// wildcards.
final class HTTPRouter: Sendable {
  enum Match {
    case route(HTTPRoute)
    /// The same resource has another name.
    case redirect(to: String)
    case none
  }

  private let routes = Mutex([String: HTTPRoute]())

  /// - Throws: ``HTTPServerError`` if the path has a route already.
  func register(_ route: HTTPRoute) throws(HTTPServerError) {
    let isNew = routes.withLock { routes in
      if routes[route.path] != nil { return false }
      routes[route.path] = route
      return true
    }
    guard isNew else {
      throw HTTPServerError(description: "there is a route for \(route.path) already")
    }
  }

  /// The route of a decoded path: the one of exactly this path, else the longest that ends in `/`
  /// and is above it.
  func match(_ path: String) -> Match {
    let clean = Self.clean(path)
    guard clean == path else { return .redirect(to: clean) }
    return routes.withLock { routes in
      if let exact = routes[path] { return .route(exact) }
      if routes[path + "/"] != nil { return .redirect(to: path + "/") }
      let above = routes.values.filter { $0.path.hasSuffix("/") && path.hasPrefix($0.path) }
      return above.max { $0.path.utf8.count < $1.path.utf8.count }.map(Match.route) ?? .none
    }
  }

  /// The shortest path to the same place: without `.`, `..` and empty elements.
  private static func clean(_ path: String) -> String {
    var elements: [Substring] = []
    for element in path.split(separator: "/", omittingEmptySubsequences: true) {
      switch element {
      case ".": continue
      case "..": _ = elements.popLast()
      default: elements.append(element)
      }
    }
    let clean = "/" + elements.joined(separator: "/")
    let isFolder = path.hasSuffix("/") || path.hasSuffix("/.") || path.hasSuffix("/..")
    return isFolder && clean != "/" ? clean + "/" : clean
  }
}

/// The parts of a request's target (RFC 9112, 3.2).
struct RequestTarget {
  /// Percent-decoded; `/` at least.
  let path: String
  let query: String

  /// Nil if it is not a target that this server can have: not a path or URL, or badly encoded.
  init?(_ target: String) {
    var rest = target[...]
    if let scheme = rest.firstRange(of: "://"), !rest.hasPrefix("/") {
      let authority = rest[scheme.upperBound...]
      rest = authority.firstIndex(where: { $0 == "/" || $0 == "?" }).map { authority[$0...] } ?? "/"
      if rest.hasPrefix("?") { rest = "/" + rest }
    }
    guard rest.hasPrefix("/") else { return nil }
    let mark = rest.firstIndex(of: "?")
    query = mark.map { String(rest[rest.index(after: $0)...]) } ?? ""
    guard let path = Self.decode(rest[..<(mark ?? rest.endIndex)]) else { return nil }
    self.path = path
  }

  private static func decode(_ text: Substring) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = rest.prefix(2)
      guard digits.count == 2, let high = hexadecimal(digits.first),
        let low = hexadecimal(digits.last)
      else { return nil }
      rest = rest.dropFirst(2)
      bytes.append(high << 4 | low)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func hexadecimal(_ byte: UInt8?) -> UInt8? {
    byte.flatMap { Character(UnicodeScalar($0)).hexDigitValue }.map { UInt8($0) }
  }
}
