// What a connection can be busy with.

import NIOHTTP1

extension HTTPConnection {
  /// A request that arrives.
  struct Incoming {
    let head: HTTPRequestHead
    let plan: Plan
  }

  /// How to treat a request, which is clear from its head.
  enum Plan {
    case route(HTTPRoute, RequestTarget)
    case answer(HTTPResponse)
  }

  /// A request whose handler is at work.
  struct Running {
    let head: HTTPRequestHead
    let task: Task<Void, Never>
    /// The status of the answer if the handler takes too long.
    let timeoutStatus: Int
    /// Whether part of the request is unread, because its body is too large.
    let hasUnread: Bool
  }

  enum Phase {
    /// → receiving, writing (what cannot be parsed, or is refused before its body), closed
    case waiting
    /// → running, writing, closed
    case receiving(Incoming)
    /// → writing, closed
    case running(Running)
    /// → waiting, lingering, closed
    case writing(Outgoing)
    /// The last response is out; what the client still sends is thrown away, since closing at once
    /// would take the response from it. → closed
    case lingering
    case closed
  }
}
