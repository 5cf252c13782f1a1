// What holds for every request to the API.

import HTTPTransport
import Testing

@testable import ChannelParticipation

@Suite struct RequestRulesTests {
  private let path = Requests.channels

  @Test(arguments: [
    ("PATCH", Requests.channels, "GET, POST"), ("DELETE", Requests.channels, "GET, POST"),
    ("HEAD", Requests.channels, "GET, POST"), ("POST", Requests.channels + "/a", "GET, DELETE"),
    ("PUT", Requests.channels + "/a", "GET, DELETE"),
    ("DELETE", Requests.channels + "/a/blocks/1", "GET"),
  ])
  func otherMethodsAreNotAllowed(_ method: String, _ path: String, _ allow: String) async {
    let answer = await Requests.answer(TestChannels(), method, path)
    #expect(answer.status == 405)
    #expect(answer.header("Allow") == allow)
    #expect(answer.text == "{\"error\":\"invalid request method: \(method)\"}\n")
  }

  @Test func thePathOfTheAPILeadsToItsChannels() async {
    let answer = await Requests.answer(TestChannels(), "GET", "/participation/v1/")
    #expect(answer.status == 302)
    #expect(answer.header("Location") == path)
    #expect(await Requests.answer(TestChannels(), "POST", "/participation/v1/").status == 405)
  }

  @Test(arguments: [
    "/participation/v1/other", "/participation/v1/channels/", "/participation/v1/channels/a/b",
    "/participation/v1/channels/a/blocks", "/participation/v1/channels/a/blocks/",
    "/participation/v1/channels/a/blocks/1/2", "/participation/v2/channels",
  ])
  func otherPathsAreNotThere(_ path: String) async {
    for method in ["GET", "DELETE"] {
      #expect(await Requests.answer(TestChannels(), method, path).status == 404)
    }
  }

  @Test(arguments: [
    ("application/json", 200), ("*/*", 200), ("application/*", 200), ("", 200),
    ("text/html, application/json;q=0.9", 200), ("text/html", 406), ("application/xml", 406),
  ])
  func onlyJSONIsToBeHad(_ accept: String, _ status: Int) async {
    let answer = await Requests.answer(
      TestChannels(), "GET", path, headers: [("accept", accept)])
    #expect(answer.status == status)
    if status == 406 {
      #expect(answer.text == "{\"error\":\"response Content-Type is application/json only\"}\n")
    }
  }

  @Test func aDisabledAPIAnswersEverythingAlike() async throws {
    for (method, path) in [("GET", path), ("POST", path), ("GET", "/participation/v1/x")] {
      let answer = await Requests.answer(TestChannels(), method, path, isEnabled: false)
      #expect(answer.status == 503)
      #expect(answer.text == "{\"error\":\"channel participation API is disabled\"}\n")
    }
  }
}
