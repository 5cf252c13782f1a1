// Forms: what is read, what is refused, and that no bytes crash the reader.

import TestSupport
import Testing

@testable import HTTPTransport

@Suite struct MultipartFormTests {
  private static func form(_ text: String, boundary: String = "X") throws -> MultipartForm {
    try MultipartForm(Array(text.utf8), boundary: boundary)
  }

  private static func text(_ part: MultipartForm.Part) -> String {
    String(decoding: part.content, as: UTF8.self)
  }

  private static let file =
    "--X\r\nContent-Disposition: form-data; name=\"config-block\"; filename=\"config.block\"\r\n"
    + "Content-Type: application/octet-stream\r\n\r\n"

  @Test func aFileIsReadByteForByte() throws {
    let content = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) } + Array("\r\n--".utf8)
    let body = Array(Self.file.utf8) + content + Array("\r\n--X--\r\n".utf8)
    let form = try MultipartForm(body, boundary: "X")
    #expect(form.parts.map(\.name) == ["config-block"])
    #expect(form.parts.map(\.isFile) == [true])
    #expect(form.parts.first.map { Array($0.content) } == content)
  }

  @Test func valuesAndFilesAreTold() throws {
    let form = try Self.form(
      "ignored\r\n--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
        + "--X \t\r\ncontent-disposition: FORM-DATA; name=\"b \\\"c\\\"\"; filename=\"\"\r\n\r\n\r\n"
        + "--X\r\nContent-Disposition: attachment; name=\"d\"\r\n\r\nx\r\n"
        + "--X\r\nContent-Disposition: form-data\r\n\r\nx\r\n"
        + "--X\r\nContent-Disposition: form-data; name=\"e\"; filename=\"C:\\a.txt\"\r\n\r\n"
        + "--X--ignored?\r\n--Xy\r\n--X--")
    #expect(form.parts.map(\.name) == ["a", "b \"c\"", "e"])
    #expect(form.parts.map(\.fileName) == [nil, "", "C:\\a.txt"])
    #expect(form.parts.map(\.isFile) == [false, false, true])
    #expect(form.parts.map(Self.text) == ["1", "", "--X--ignored?\r\n--Xy"])
  }

  @Test func linesMayEndInLineFeeds() throws {
    let form = try Self.form(
      "--X\nContent-Disposition: form-data; name=\"a\"\n\n1\r\n2\n\n--X--\n")
    #expect(form.parts.map(Self.text) == ["1\r\n2\n"])
  }

  @Test func aFormMayBeEmpty() throws {
    #expect(try Self.form("--X--\r\n").parts.isEmpty)
  }

  @Test(arguments: [
    ("", "X", "multipart: NextPart: EOF"),
    ("--X", "X", "multipart: NextPart: EOF"),
    ("--Y--\r\n", "X", "multipart: NextPart: EOF"),
    ("--X\r\nContent-Disposition", "X", "malformed MIME header"),
    ("--X\r\n: form-data\r\n\r\n", "X", "malformed MIME header"),
    ("--X\r\nContent-Disposition: form-data; name=a\r\n", "X", "multipart: NextPart: EOF"),
    ("--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1", "X", "unexpected EOF"),
    ("--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--Xy--\r\n", "X", "unexpected EOF"),
    ("--X\r\nContent-Transfer-Encoding: BASE64\r\n\r\n1\r\n--X--\r\n", "X", "encoded as base64"),
    ("--\r\n\r\n", "", "multipart: boundary is empty"),
  ])
  func whatIsNoFormIsRefused(_ text: String, _ boundary: String, _ reason: String) {
    #expect {
      try Self.form(text, boundary: boundary)
    } throws: {
      "\($0)".contains(reason)
    }
  }

  @Test func partsAndTheirHeadersAreBounded() throws {
    let part = "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
    let parts = String(repeating: part, count: MultipartForm.maximumParts)
    #expect(try Self.form(parts + "--X--").parts.count == MultipartForm.maximumParts)
    #expect(throws: MultipartForm.Malformed.self) { try Self.form(parts + part + "--X--") }
    let header = String(repeating: "a", count: MultipartForm.maximumHeaderBytes)
    #expect {
      try Self.form("--X\r\nA: \(header)\r\n\r\n--X--")
    } throws: {
      "\($0)".contains("exceed")
    }
  }

  /// Forms that are cut, changed or glued together are read or refused.
  @Test func noBytesCrashTheReader() {
    var random = SplitMix64(seed: 7)
    let pieces = [
      "--X", "--X--", "\r\n", "\n", "\r", "--", "X", " ", ":", ";", "=", "\"", "\\", "a",
      "Content-Disposition: form-data; name=\"a\"; filename=\"b\"", "name=", "filename*=",
      "form-data",
      "\u{0}", "é",
    ].map { Array($0.utf8) }
    for _ in 0..<20_000 {
      var body = Array(Bool.random(using: &random) ? Self.file.utf8 : "".utf8)
      for _ in 0..<Int.random(in: 0..<12, using: &random) {
        body += pieces.randomElement(using: &random) ?? []
      }
      if Bool.random(using: &random) { body += Array("\r\n--X--".utf8) }
      if !body.isEmpty, Bool.random(using: &random) {
        body[Int.random(in: 0..<body.count, using: &random)] = .random(in: 0...255, using: &random)
      }
      body = Array(body.prefix(Int.random(in: 0...body.count, using: &random)))
      _ = try? MultipartForm(body, boundary: "X")
      _ = try? MediaType(parsing: String(decoding: body, as: UTF8.self))
    }
  }
}

@Suite struct MediaTypeTests {
  @Test func parametersAreRead() throws {
    let type = try MediaType(
      parsing: " Multipart/Form-Data ; BOUNDARY=\"a;\\\"b\" ;charset = utf-8; ")
    #expect(type.name == "multipart/form-data")
    #expect(type.parameters == ["boundary": "a;\"b", "charset": "utf-8"])
    #expect(try MediaType(parsing: "form-data").parameters.isEmpty)
  }

  @Test(arguments: [
    ("", "no media type"), (" ;a=b", "no media type"), ("a/", "expected token"),
    ("a/b c", "unexpected content"), ("a/b; =c", "invalid media parameter"),
    ("a/b; c", "invalid media parameter"), ("a/b; c=", "invalid media parameter"),
    ("a/b; c=\"d", "invalid media parameter"), ("a/b; c=d e", "invalid media parameter"),
    ("a/b; c=d; C=e", "duplicate parameter"),
  ])
  func whatCannotBeReadIsRefused(_ text: String, _ reason: String) {
    #expect {
      try MediaType(parsing: text)
    } throws: {
      "\($0)".contains(reason)
    }
  }
}
