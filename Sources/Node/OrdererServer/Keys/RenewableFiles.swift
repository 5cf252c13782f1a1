// Files that are read again when they have changed, and what was in them when they were last in order.

import Foundation
import Storage
import Synchronization

/// Files of one purpose, whatever they hold.
protocol Renewable: Sendable {
  /// As operators know it: the section of the settings.
  var name: String { get }

  /// Reads the files if one of them has changed since the last time, and puts them to use if they are in order. Blocks
  /// the thread.
  func look() -> RenewalOutcome
}

/// What became of a look at files.
enum RenewalOutcome: Equatable {
  /// There is nothing new, or it was told before.
  case nothing
  /// Other contents are in use.
  case renewed
  /// The files cannot be used, and what was in them before still is.
  case unusable(String)
}

/// Files that are in use only together: a certificate, its key, and the authorities beside them.
final class RenewableFiles<Contents: Equatable & Sendable>: Renewable {
  private struct State {
    /// As the files were when they were read last; nil before the first time, and after they could not be used.
    var stamps: [FileStamp?]?
    /// What is in use; nil before the first look, when it is what the start has read.
    var contents: Contents?
    var problem: String?
  }

  let name: String
  private let paths: [String]
  private let read: @Sendable () throws -> Contents
  private let use: @Sendable (Contents) throws -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - read: Reads the files. It throws if they cannot be used, or not together.
  ///   - use: Puts what they hold to use in place of what was in use.
  init(
    _ name: String, paths: [String], read: @escaping @Sendable () throws -> Contents,
    use: @escaping @Sendable (Contents) throws -> Void
  ) {
    self.name = name
    self.paths = paths
    self.read = read
    self.use = use
  }

  func look() -> RenewalOutcome {
    state.withLock { state in
      // Before they are read: what changes meanwhile is seen the next time.
      let stamps = paths.map { FileStamp($0) }
      guard stamps != state.stamps else { return .nothing }
      state.stamps = stamps
      do {
        let contents = try read()
        let isNew = contents != state.contents
        if isNew { try use(contents) }
        let isNews = isNew && state.contents != nil
        (state.contents, state.problem) = (contents, nil)
        return isNews ? .renewed : .nothing
      } catch {
        // The reason may pass without a change of the files.
        state.stamps = nil
        let problem = "\(error)"
        guard problem != state.problem else { return .nothing }
        state.problem = problem
        return .unusable(problem)
      }
    }
  }
}
