import RaftCore
import Testing

@Suite struct RaftTermsTests {
  /// Numbers that stand in messages of Go nodes and in their logs.
  @Test func rawValuesAreThoseOfTheWire() {
    #expect(Message.Kind.allCases.map(\.rawValue) == Array(0...23))
    #expect(Message.Kind.append.rawValue == 3)
    #expect(Message.Kind.snapshot.rawValue == 7)
    #expect(Message.Kind.preVoteResponse.rawValue == 18)
    #expect(Entry.Kind(rawValue: 1) == .change)
    #expect(MembershipChange.Kind(rawValue: 1) == .remove)
    #expect(MembershipChange.Transition(rawValue: 2) == .jointExplicit)
  }
}
