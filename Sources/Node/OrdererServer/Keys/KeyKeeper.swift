// Puts renewed keys, certificates and authorities to use while the node runs.

import Concurrency
import Foundation
import Logging
import Storage

/// Looks at the files of a node's TLS from time to time, and when it is told to.
final class KeyKeeper: Sendable {
  /// Between two looks. A look asks the system for the state of a handful of files.
  static let interval = Duration.seconds(5)

  private let files: [any Renewable]
  private let certificates: @Sendable () -> [OwnCertificate]
  private let time: any TimeSource
  private let now: @Sendable () -> Int64
  private let logger: Logger
  private let pool = BlockingPool(threads: 1)
  private let request = WakeUp()

  /// - Parameters:
  ///   - certificates: Those whose expiry is watched, as they are then.
  ///   - now: Seconds since 1970.
  init(
    _ files: [any Renewable], certificates: @escaping @Sendable () -> [OwnCertificate] = { [] },
    time: any TimeSource, now: @escaping @Sendable () -> Int64, logger: Logger
  ) {
    self.files = files
    self.certificates = certificates
    self.time = time
    self.now = now
    self.logger = logger
  }

  /// Has the files looked at now.
  func lookSoon() { request.set() }

  /// Works until its task is cancelled.
  func run() async {
    var notices = ExpiryNotices()
    repeat {
      await look()
      for notice in notices.next(certificates(), now: now()) {
        logger.log(level: notice.isWarning ? .warning : .info, "\(notice.text)")
      }
      _ = await request.wait(until: time.now + Self.interval, on: time)
    } while !Task.isCancelled
    await pool.shutDown()
  }

  /// Looks once. Files may be on a disk that does not answer, so that is not done on Swift's threads.
  func look() async {
    let outcomes: [(name: String, outcome: RenewalOutcome)]
    do throws(CancellationError) {
      outcomes = try await pool.run(orThrow: CancellationError()) {
        [files] () throws(CancellationError) -> [(name: String, outcome: RenewalOutcome)] in
        files.map { ($0.name, $0.look()) }
      }
    } catch { return }
    for (name, outcome) in outcomes {
      switch outcome {
      case .nothing: break
      case .renewed: logger.info("The renewed TLS files of \(name) have been taken")
      case .unusable(let problem):
        logger.warning(
          "The TLS files of \(name) cannot be used, those read before still are: \(problem)")
      }
    }
  }
}
