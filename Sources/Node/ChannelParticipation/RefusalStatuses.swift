// Which status a refusal has: it depends on what was asked for.

import Multichannel

/// What was asked of a channel.
enum ParticipationAction: String {
  case join
  case remove
  case update
}

extension ParticipationRefusal {
  /// The answer that a client gets.
  func problem(of action: ParticipationAction) -> RequestProblem {
    let reason = "cannot \(action.rawValue): \(self)"
    switch (self, action) {
    case (.systemChannelExists, _): return RequestProblem(status: 405, reason, allow: "GET")
    case (.alreadyExists, _): return RequestProblem(status: 405, reason, allow: "GET, DELETE")
    case (.applicationChannelsExist, _): return RequestProblem(status: 403, reason)
    case (.pendingRemoval, _): return RequestProblem(status: 409, reason)
    case (.removalFailed, .remove): return RequestProblem(status: 400, reason)
    case (.removalFailed, _): return RequestProblem(status: 500, reason)
    case (.doesNotExist, .update): return RequestProblem(status: 405, reason)
    case (.doesNotExist, _): return RequestProblem(status: 404, reason)
    case (.notReady, _): return RequestProblem(status: 403, reason)
    case (.other, _): return RequestProblem(status: 400, reason)
    }
  }
}
