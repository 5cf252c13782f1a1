// Every message that Go's orderers of three releases were seen to send is read, and written again byte for
// byte.

import Foundation
import RaftCore
import TestSupport
import Testing

@testable import RaftWire

@Suite(.enabled(if: RaftVectors.areThere)) struct RecordedMessageTests {
  private struct Line: Decodable { let hex: String }

  /// The raft messages among the recorded StepRequests of a release.
  private func messages(_ release: String) throws -> [ArraySlice<UInt8>] {
    try RaftVectors.lines(ofCompressed: "wire/step-\(release)-all.jsonl.gz").compactMap { line in
      try payload(of: unhexed(JSONDecoder().decode(Line.self, from: line).hex))
    }
  }

  /// `payload` of the consensus request in a StepRequest; nil if it is a submission.
  private func payload(of request: [UInt8]) throws -> ArraySlice<UInt8>? {
    try field(2, of: field(1, of: request[...]) ?? [])
  }

  private func field(_ number: UInt64, of message: ArraySlice<UInt8>) throws -> ArraySlice<UInt8>? {
    var reader = FieldReader(message, of: "")
    while let field = try reader.next() {
      if field.number == number { return try field.bytes() }
    }
    return nil
  }

  @Test(arguments: ["v2.5.16", "v3.1.5"])
  func messagesAreWrittenAsTheyWereSent(_ release: String) throws {
    let recorded = try messages(release)
    #expect(recorded.count > 1000)
    for bytes in recorded {
      let message = try Message(wire: bytes)
      #expect(message.wire()[...] == bytes)
      #expect(message.wireSize == bytes.count)
    }
  }

  @Test func oldMessagesAreReadAndWrittenInTheNewForm() throws {
    let recorded = try messages("v1.4.12")
    #expect(recorded.count > 1000)
    for bytes in recorded {
      let message = try Message(wire: bytes)
      #expect((message.snapshot == nil) == (message.kind != .snapshot))
      #expect(try Message(wire: message.wire()[...]) == message)
    }
  }

  private struct Selection: Decodable {
    struct Sample: Decodable {
      let hex: String
      let kind: String
      let message: Fields?
    }
    struct Fields: Decodable {
      let type: String
      let to, from, term, logTerm, index, commit, rejectHint: UInt64?
      let reject: Bool?
      let context: String?
      let entries: [Entry]?
      let snapshot: Snapshot?
    }
    struct Entry: Decodable {
      let type: String
      let term, index: UInt64
      let dataSize: Int?
    }
    struct Snapshot: Decodable {
      let index, term: UInt64
      let dataSize: Int
      let confState: Members
    }
    struct Members: Decodable { let voters: [UInt64] }
    let messages: [Sample]
  }

  @Test(arguments: ["v1.4.12", "v2.5.16", "v3.1.5"])
  func anotherReaderSeesTheSameFields(_ release: String) throws {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let selection = try decoder.decode(
      Selection.self, from: RaftVectors.data("wire/step-\(release).json"))
    for sample in selection.messages {
      guard let fields = sample.message else { continue }
      let bytes = try #require(try payload(of: unhexed(sample.hex)))
      let message = try Message(wire: bytes)
      #expect(etcdName(message.kind) == fields.type)
      #expect(message.to == fields.to ?? 0)
      #expect(message.from == fields.from ?? 0)
      #expect(message.term == fields.term ?? 0)
      #expect(message.logTerm == fields.logTerm ?? 0)
      #expect(message.index == fields.index ?? 0)
      #expect(message.commit == fields.commit ?? 0)
      #expect(message.reject == fields.reject ?? false)
      #expect(message.rejectHint == fields.rejectHint ?? 0)
      #expect(message.context.map { $0 } == unhexed(fields.context ?? ""))
      #expect(message.entries.count == fields.entries?.count ?? 0)
      for (entry, expected) in zip(message.entries, fields.entries ?? []) {
        #expect(entry.term == expected.term && entry.index == expected.index)
        #expect((entry.kind == .normal) == (expected.type == "Normal"))
        #expect(entry.data.count == expected.dataSize ?? 0)
      }
      if let snapshot = message.snapshot {
        #expect(snapshot.index == fields.snapshot?.index)
        #expect(snapshot.term == fields.snapshot?.term)
        #expect(snapshot.data.count == fields.snapshot?.dataSize)
        #expect(snapshot.members.voters == fields.snapshot?.confState.voters)
      }
    }
  }

  private func etcdName(_ kind: Message.Kind) -> String {
    switch kind {
    case .append: "MsgApp"
    case .appendResponse: "MsgAppResp"
    case .vote: "MsgVote"
    case .voteResponse: "MsgVoteResp"
    case .snapshot: "MsgSnap"
    case .heartbeat: "MsgHeartbeat"
    case .heartbeatResponse: "MsgHeartbeatResp"
    case .timeoutNow: "MsgTimeoutNow"
    case .preVote: "MsgPreVote"
    case .preVoteResponse: "MsgPreVoteResp"
    default: "not sent between nodes"
    }
  }
}
