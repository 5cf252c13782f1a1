// The answers of the API, to the byte.

import HTTPTransport
import Multichannel
import Ordering
import TestSupport
import Testing

@testable import ChannelParticipation

@Suite struct ParticipationRoutesTests {
  private let path = Requests.channels

  // MARK: Reading

  @Test func channelsAreListed() async {
    let none = await Requests.answer(TestChannels(), "GET", path)
    #expect(none.status == 200)
    #expect(none.text == "{\"systemChannel\":null,\"channels\":null}\n")
    #expect(none.header("Content-Type") == "application/json")
    #expect(none.header("Cache-Control") == "no-store")
    let some = TestChannels { $0.names = ChannelNames(system: "s", channels: ["a", "b"]) }
    #expect(
      await Requests.answer(some, "GET", path).text
        == "{\"systemChannel\":{\"name\":\"s\",\"url\":\"\(path)/s\"},\"channels\":["
        + "{\"name\":\"a\",\"url\":\"\(path)/a\"},{\"name\":\"b\",\"url\":\"\(path)/b\"}]}\n")
  }

  @Test func aChannelIsDescribed() async {
    let channels = TestChannels {
      $0.infos["a"] = ChannelInfo(
        name: "a", participation: ParticipationStatus(relation: .configTracker, status: .inactive),
        height: 18_446_744_073_709_551_615)
    }
    let answer = await Requests.answer(channels, "GET", "\(path)/a")
    #expect(
      answer.text
        == "{\"name\":\"a\",\"url\":\"\(path)/a\",\"consensusRelation\":\"config-tracker\","
        + "\"status\":\"inactive\",\"height\":18446744073709551615}\n")
    #expect(answer.header("Cache-Control") == "no-store")
    let missing = await Requests.answer(channels, "GET", "\(path)/b")
    #expect(missing.status == 404)
    #expect(missing.text == "{\"error\":\"channel does not exist\"}\n")
    let bad = await Requests.answer(channels, "GET", "\(path)/Bad_Name")
    #expect(bad.status == 400)
    #expect(
      bad.text == "{\"error\":\"invalid channel ID: 'Bad_Name' contains illegal characters\"}\n")
  }

  @Test func blocksAreFetched() async {
    let channels = TestChannels()
    for place in ["0", "+7", "oldest", "newest", "config", "-1"] {
      let answer = await Requests.answer(channels, "GET", "\(path)/a/blocks/\(place)")
      #expect(answer.status == 200)
      #expect(answer.body == [1, 2, 3])
      #expect(answer.header("Content-Type") == "application/octet-stream")
      #expect(answer.header("Cache-Control") == "no-store")
    }
    #expect(
      channels.state.withLock { $0.read }
        == [.number(0), .number(7), .oldest, .newest, .config, .number(.max)])
    let bad = await Requests.answer(channels, "GET", "\(path)/a/blocks/x")
    #expect(bad.status == 400)
    #expect(
      bad.text
        == "{\"error\":\"invalid block ID: 'x' not equal "
        + "\\u003cnewest|oldest|config|(number)\\u003e\"}\n")
    let follower = TestChannels { $0.refusal = .notReady }
    #expect(await Requests.answer(follower, "GET", "\(path)/a/blocks/0").status == 404)
  }

  // MARK: Joining

  private func join(
    _ channels: TestChannels = TestChannels(), _ content: [UInt8]
  ) async -> HTTPResponse {
    await Requests.answer(
      channels, "POST", path, headers: [Requests.formHeader],
      body: Requests.form([("config-block", "b", content)]))
  }

  @Test func aChannelIsJoined() async throws {
    let channels = TestChannels()
    let answer = await join(channels, try Requests.genesis())
    #expect(answer.status == 201)
    #expect(answer.header("Location") == "\(path)/raftchannel")
    #expect(
      answer.text
        == "{\"name\":\"raftchannel\",\"url\":\"\(path)/raftchannel\","
        + "\"consensusRelation\":\"consenter\",\"status\":\"active\",\"height\":1}\n")
    #expect(channels.state.withLock { $0.joined } == ["raftchannel"])
  }

  @Test func formsOfEveryWrongKindAreRefused() async throws {
    let block = try Requests.genesis()
    let forms: [([(name: String, file: String?, content: [UInt8])], String)] = [
      ([], "form does not contains part key: config-block"),
      ([("other", "b", block)], "form does not contains part key: config-block"),
      ([("config-block", nil, block)], "form does not contains part key: config-block"),
      ([("config-block", "b", block), ("x", nil, [1])], "form contains too many parts"),
      ([("config-block", "b", block), ("y", "b", block)], "form contains too many parts"),
      (
        [("config-block", "b", block), ("config-block", "b", block)], "form contains too many parts"
      ),
      (
        [("config-block", "b", [UInt8](repeating: 255, count: 50))],
        "cannot unmarshal file part config-block into a block: "
      ),
      ([("config-block", "b", block.dropLast(3))], "cannot unmarshal file part config-block"),
    ]
    for (parts, reason) in forms {
      let channels = TestChannels()
      let answer = await Requests.answer(
        channels, "POST", path, headers: [Requests.formHeader], body: Requests.form(parts))
      #expect(answer.status == 400)
      #expect(answer.text.hasPrefix("{\"error\":\"\(reason)"), "\(answer.text)")
      #expect(channels.state.withLock { $0.joined } == [])
    }
  }

  @Test(
    arguments: [
      ([], "unsupported Content-Type: []"),
      ([("Content-Type", "text/plain")], "unsupported Content-Type: [text/plain]"),
      ([("Content-Type", "a"), ("Content-Type", "b")], "unsupported Content-Type: [a b]"),
      ([("Content-Type", "multipart/form-data; =")], "cannot parse Mime media type: mime: "),
      (
        [("Content-Type", "multipart/form-data")],
        "cannot read form from request body: multipart: boundary is empty"
      ),
      (
        [("Content-Type", "multipart/form-data; boundary=y")],
        "cannot read form from request body: multipart: NextPart: EOF"
      ),
    ] as [([(String, String)], String)])
  func bodiesThatAreNoFormAreRefused(_ headers: [(String, String)], _ reason: String) async {
    for method in ["POST", "PUT"] {
      let answer = await Requests.answer(
        TestChannels(), method, path, headers: headers, body: Array("--x--\r\n".utf8))
      #expect(answer.status == 400)
      #expect(answer.text.hasPrefix("{\"error\":\"\(reason)"), "\(answer.text)")
    }
  }

  @Test func aBodyAboveTheLimitIsRefused() async {
    let large = await Requests.answer(
      TestChannels(), "POST", path, headers: [Requests.formHeader], isBodyTooLarge: true)
    #expect(large.status == 400)
    #expect(
      large.text
        == "{\"error\":\"cannot read form from request body: http: request body too large\"}\n")
    // Whatever is wrong with the request itself comes first.
    let other = await Requests.answer(TestChannels(), "POST", path, isBodyTooLarge: true)
    #expect(other.text.contains("unsupported Content-Type"))
    let get = await Requests.answer(TestChannels(), "GET", path, isBodyTooLarge: true)
    #expect(get.status == 200)
  }

  @Test(
    arguments: [
      (.systemChannelExists, 405, "GET"), (.alreadyExists, 405, "GET, DELETE"),
      (.applicationChannelsExist, 403, nil), (.pendingRemoval, 409, nil),
      (.removalFailed, 500, nil), (.other("x"), 400, nil),
    ] as [(ParticipationRefusal, Int, String?)])
  func refusedJoinsHaveTheirStatus(
    _ refusal: ParticipationRefusal, _ status: Int, _ allow: String?
  ) async throws {
    let answer = await join(TestChannels { $0.refusal = refusal }, try Requests.genesis())
    #expect(answer.status == status)
    #expect(answer.header("Allow") == allow)
    #expect(answer.text == "{\"error\":\"cannot join: \(refusal)\"}\n")
  }

  // MARK: Removing and updating

  @Test func aChannelIsRemoved() async {
    let channels = TestChannels()
    let answer = await Requests.answer(channels, "DELETE", "\(path)/a")
    #expect(answer.status == 204)
    #expect(answer.body.isEmpty)
    #expect(channels.state.withLock { $0.removed } == ["a"])
    #expect(await Requests.answer(channels, "DELETE", "\(path)/A").status == 400)
  }

  @Test(
    arguments: [
      (.systemChannelExists, 405, "GET"), (.doesNotExist, 404, nil), (.pendingRemoval, 409, nil),
      (.other("x"), 400, nil),
    ] as [(ParticipationRefusal, Int, String?)])
  func refusedRemovalsHaveTheirStatus(
    _ refusal: ParticipationRefusal, _ status: Int, _ allow: String?
  ) async {
    let answer = await Requests.answer(
      TestChannels { $0.refusal = refusal }, "DELETE", "\(path)/a")
    #expect(answer.status == status)
    #expect(answer.header("Allow") == allow)
    #expect(answer.text == "{\"error\":\"cannot remove: \(refusal)\"}\n")
  }

  private func update(_ channels: TestChannels, _ content: [UInt8]) async -> HTTPResponse {
    await Requests.answer(
      channels, "PUT", path, headers: [Requests.formHeader],
      body: Requests.form([("config-update-envelope", "u", content)]))
  }

  @Test func aConfigUpdateIsHandedIn() async throws {
    let channels = TestChannels()
    let answer = await update(channels, try Requests.configUpdate("a"))
    #expect(answer.status == 201)
    #expect(answer.header("Location") == "\(path)/a")
    #expect(channels.state.withLock { $0.updated } == ["a"])
  }

  @Test func whatIsNoConfigUpdateIsRefused() async throws {
    let contents: [([UInt8], String)] = [
      ([255], "cannot unmarshal file part config-update-envelope into an envelope"),
      ([], "invalid config update envelope: "),
      (try Requests.message("a"), "invalid config update envelope: bad type"),
      (try Requests.configUpdate(""), "invalid config update envelope: empty channel id"),
      (try Requests.configUpdate("a", data: [255]), "invalid config update envelope: "),
    ]
    for (content, reason) in contents {
      let answer = await update(TestChannels(), content)
      #expect(answer.status == 400)
      #expect(answer.text.hasPrefix("{\"error\":\"\(reason)"), "\(answer.text)")
    }
    let other = await Requests.answer(
      TestChannels(), "PUT", path, headers: [Requests.formHeader],
      body: Requests.form([("config-block", "b", [1])]))
    #expect(other.text.contains("form does not contains part key: config-update-envelope"))
  }

  @Test(
    arguments: [
      (.doesNotExist, 405), (.notReady, 403), (.pendingRemoval, 409), (.removalFailed, 500),
      (.other("x"), 400),
    ] as [(ParticipationRefusal, Int)])
  func refusedUpdatesHaveTheirStatus(_ refusal: ParticipationRefusal, _ status: Int) async throws {
    let answer = await update(
      TestChannels { $0.refusal = refusal }, try Requests.configUpdate("a"))
    #expect(answer.status == status)
    #expect(answer.text == "{\"error\":\"cannot update: \(refusal)\"}\n")
  }

  /// Whatever comes, there is an answer, and only a whole config block joins.
  @Test func noBodyCrashesTheAPI() async throws {
    var random = SplitMix64(seed: 12)
    let good = Requests.form([("config-block", "b", try Requests.genesis())])
    for _ in 0..<300 {
      var body = good
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<body.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: body[place] = .random(in: 0...255, using: &random)
        case 1: body.removeSubrange(place..<min(place + 9, body.count))
        default: body = Array(body.prefix(place + 1))
        }
      }
      let answer = await Requests.answer(
        TestChannels(), "POST", path, headers: [Requests.formHeader], body: body)
      #expect([201, 400].contains(answer.status))
    }
  }
}
