// Files that change while the node runs.

import Concurrency
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import OrdererServer

@Suite struct KeyKeeperTests {
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "heddle-\(UUID().uuidString)")
  private let log = TestLog()
  private let time = ManualTime()

  /// Files that belong together if they say the same.
  private func files(_ used: Used) throws -> RenewableFiles<[Data]> {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let paths = ["crt", "key"].map { folder.appending(path: $0) }
    return RenewableFiles(
      "Test.TLS", paths: paths.map(\.path),
      read: {
        let contents = try paths.map { try Data(contentsOf: $0) }
        guard contents[0] == contents[1] else { throw Mismatch() }
        return contents
      }, use: { used.contents.append(String(decoding: $0[0], as: UTF8.self)) })
  }

  private struct Mismatch: Error, CustomStringConvertible {
    let description = "they do not belong together"
  }

  private final class Used: Sendable {
    private let told = Mutex<[String]>([])
    var contents: [String] {
      get { told.withLock { $0 } }
      set { told.withLock { $0 = newValue } }
    }
  }

  private func write(_ name: String, _ text: String) throws {
    // In place of the old one, as those who renew files do.
    try Data(text.utf8).write(to: folder.appending(path: name), options: .atomic)
  }

  @Test func filesAreTakenOnceTheyBelongTogether() throws {
    let used = Used()
    let files = try files(used)
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("crt", "1")
    try write("key", "1")
    // What changed since the start has read them is not missed; it is news to nobody if nothing did.
    #expect(files.look() == .nothing)
    #expect(files.look() == .nothing)
    #expect(used.contents == ["1"])
    try write("crt", "2")
    #expect(files.look() == .unusable("they do not belong together"))
    try write("crt", "2, again")
    #expect(files.look() == .nothing)
    try FileManager.default.removeItem(at: folder.appending(path: "key"))
    guard case .unusable(let reason) = files.look() else {
      Issue.record("a file that is not there was taken")
      return
    }
    #expect(reason != "they do not belong together")
    try write("key", "2, again")
    #expect(files.look() == .renewed)
    try write("key", "2, again")
    #expect(files.look() == .nothing)
    #expect(used.contents == ["1", "2, again"])
  }

  @Test func whatFailsForAnotherReasonIsTriedAgainAndToldOnce() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("crt", "1")
    let fails = Mutex(false)
    let path = folder.appending(path: "crt")
    let files = RenewableFiles(
      "Test.TLS", paths: [path.path], read: { try Data(contentsOf: path) },
      use: { _ in if fails.withLock({ $0 }) { throw Mismatch() } })
    #expect(files.look() == .nothing)
    fails.withLock { $0 = true }
    try write("crt", "2")
    #expect(files.look() == .unusable("they do not belong together"))
    #expect(files.look() == .nothing)
    fails.withLock { $0 = false }
    #expect(files.look() == .renewed)
    #expect(files.look() == .nothing)
  }

  @Test func theyAreLookedAtFromTimeToTimeAndWhenAsked() async throws {
    let looks = Watched(0)
    struct Counting: Renewable {
      let name = "Test.TLS"
      let looks: Watched<Int>
      func look() -> RenewalOutcome {
        looks.change { looks in
          looks += 1
          return looks == 3 ? .unusable("no") : looks == 2 ? .renewed : .nothing
        }
      }
    }
    let keeper = KeyKeeper(
      [Counting(looks: looks)], time: time, now: { 0 }, logger: log.logger)
    let task = Task { await keeper.run() }
    await time.waitForSleepers(1)
    #expect(looks.read { $0 } == 1)
    time.advance(by: KeyKeeper.interval)
    await looks.wait { $0 == 2 ? () : nil }
    await time.waitForSleepers(1)
    keeper.lookSoon()
    await looks.wait { $0 == 3 ? () : nil }
    await time.waitForSleepers(1)
    task.cancel()
    await task.value
    #expect(log.all.count { $0.contains("The renewed TLS files of Test.TLS have been taken") } == 1)
    #expect(log.all.count { $0.contains("still are: no") } == 1)
  }

  @Test func expiryIsToldAndWarnedOfFromAWeekBefore() {
    var notices = ExpiryNotices()
    let day: Int64 = 24 * 3_600
    let certificate = OwnCertificate(role: "server TLS", notAfter: 100 * day)
    func texts(_ day: Int64, _ certificate: OwnCertificate, hour: Int64 = 0) -> [String] {
      notices.next([certificate], now: day * 24 * 3_600 + hour * 3_600).map {
        "\($0.isWarning ? "!" : "") \($0.text)"
      }
    }
    let date = "1970-04-11 00:00:00 +0000 UTC"
    #expect(texts(1, certificate) == [" The server TLS certificate will expire on \(date)"])
    #expect(texts(92, certificate).isEmpty)
    #expect(
      texts(93, certificate, hour: 1)
        == ["! The server TLS certificate expires within 6 days and 23 hours"])
    #expect(texts(93, certificate, hour: 23).isEmpty)
    #expect(
      texts(94, certificate, hour: 1)
        == ["! The server TLS certificate expires within 5 days and 23 hours"])
    #expect(texts(101, certificate) == ["! The server TLS certificate has expired"])
    // The one that takes its place begins anew.
    let renewed = OwnCertificate(role: "server TLS", notAfter: 200 * day)
    #expect(texts(101, renewed).count == 1)
    #expect(texts(102, renewed).isEmpty)
    var expired = ExpiryNotices()
    #expect(expired.next([certificate], now: 101 * day).map(\.isWarning) == [true])
  }
}
