// Typed access to settings.

import GoText
import Testing

@testable import YAMLSettings

@Suite struct YAMLSettingTests {
  @Test func settingsMatchInAnyCaseNamesDoNot() throws {
    let root = try root("sECTION: {pORT: 7}\n")
    let section = try root.fields(["Section"])["Section"]
    #expect(section.key == "Section")
    #expect(try section.fields(["Port"])["Port"].number() == 7)
    #expect(try section.namedEntries().map(\.name) == ["pORT"])
  }

  @Test func anUnknownSettingIsToldWithTheNearestOne() throws {
    func refusal(_ text: String) throws -> SettingProblem {
      try #require(
        #expect(throws: SettingProblem.self) {
          try root(text).fields(["ListenPort", "LedgerType"], ignored: ["Old"])
        })
    }
    let near = try refusal("\nListenPrt: 1\nOld: x\n")
    #expect(near.kind == .unknownSetting)
    #expect(
      near.reason
        == "line 2: ListenPrt: there is no such setting; did you mean ListenPort?"
        + " known here: ListenPort, LedgerType")
    #expect(try refusal("Whatever: 1").explanation.contains("setting; known here"))
    #expect(try refusal("listenport: 1\nListenPort: 2").explanation.contains("twice"))
  }

  @Test func placesAreDottedPaths() throws {
    let list = try #require(
      try root("A: {B: [{C: x}, {C: y}]}").fields(["A"])["A"].fields(["B"])["B"]
        .elements())
    let second = try #require(list.last)
    #expect(second.key == "A.B[1]")
    #expect(try second.fields(["C"])["C"].key == "A.B[1].C")
    #expect(second.asBeginning.key == "")
  }

  @Test func whatIsAbsentOrNullHasItsZeroValue() throws {
    let fields = try root("a: ~\nb:\nc: \"\"\n").fields(["a", "b", "c", "d"])
    for name in ["a", "b", "d"] {
      #expect(!fields[name].isPresent)
      #expect(try fields[name].string() == nil)
      #expect(try fields[name].strings() == nil)
      #expect(try fields[name].elements()?.count == nil)
    }
    for name in ["a", "b", "c", "d"] {
      #expect(try fields[name].number() == 0)
      #expect(try fields[name].byteSize() == 0)
      #expect(try fields[name].duration().nanoseconds == 0)
      #expect(try fields[name].bool() == false)
      #expect(throws: SettingProblem.self) { try fields[name].requiredString("needed") }
    }
  }

  @Test func listsMayBeSingleValuesOrBracketedTexts() throws {
    let fields = try root("a: x:1\nb: \"[x:1, y:2 ]\"\nc: [x, y]\nd: {}\n").fields([
      "a", "b", "c", "d",
    ])
    #expect(try fields["a"].strings() == ["x:1"])
    #expect(try fields["b"].strings() == ["x:1", "y:2"])
    #expect(try fields["c"].strings() == ["x", "y"])
    #expect(try fields["d"].strings() == [])
    #expect(try fields["a"].elements()?.count == 1)
  }

  @Test func overridesTakeThePlaceOfValues() throws {
    let root = try root("a: {b: 1, c: [x]}\n") { ["a.b": "2", "a.c": "[p,q]"][$0] }
    let fields = try root.fields(["a"])["a"].fields(["b", "c"])
    #expect(try fields["b"].number() == 2)
    #expect(try fields["c"].strings() == ["p", "q"])
  }

  @Test func valuesOfTheWrongKindAreRefusedByPlace() throws {
    let fields = try root("a: {b: many}\nlist: [1]\n").fields(["a", "list"])
    let setting = try fields["a"].fields(["b"])["b"]
    let readers: [(YAMLSetting) throws -> Void] = [
      { _ = try $0.number() },
      { _ = try $0.byteSize() },
      { _ = try $0.duration() },
      { _ = try $0.bool() },
      { _ = try $0.port() },
      { _ = try $0.fields([]) },
    ]
    for read in readers {
      let problem = try #require(#expect(throws: SettingProblem.self) { try read(setting) })
      #expect(problem.kind == .invalidValue)
      #expect(problem.key == "a.b")
      #expect(problem.value == "many")
      #expect(problem.line == 1)
    }
    #expect(throws: SettingProblem.self) { try fields["list"].string() }
  }

  @Test func relativePathsBeginInTheFolderOfTheFile() throws {
    let root = try root("a: 1")
    #expect(root.path("x/../y") == "/cfg/y")
    #expect(root.path("/y") == "/y")
  }
}

@Suite struct SettingTextTests {
  @Test(
    "Byte sizes take units of 1024",
    arguments: [
      ("0", 0), ("1", 1), ("10 MB", 10_485_760), ("256 KB", 262_144), ("99m", 103_809_024),
      ("3G", 3_221_225_472), ("1kB", 1024), ("0x10", 16), ("010", 8), ("1_000", 1000),
      ("4294967295", 4_294_967_295),
    ])
  func byteSizes(_ text: String, _ value: UInt32) throws {
    #expect(try SettingText.byteSize(text) == value)
  }

  @Test(
    "Texts that are no byte size are refused",
    arguments: [
      "", "MB", "ten MB", "1.5 MB", "-1", "10 TB", "10 MBs", "1 0", "_1", "0xg", "0x1 KB", "b",
      "\u{0661}",
    ])
  func malformedByteSizes(_ text: String) {
    #expect(throws: GoInteger.Failure.malformed) { try SettingText.byteSize(text) }
  }

  @Test(
    "Byte sizes beyond 32 bits are refused",
    arguments: ["4G", "4294967296", "99999999999999999999", "18446744073709551615 GB"])
  func excessiveByteSizes(_ text: String) {
    #expect(throws: GoInteger.Failure.tooLarge) { try SettingText.byteSize(text) }
  }

  @Test func truthHasManyWords() {
    for text in ["true", "T", "yes", "Y", "on", "1"] { #expect(SettingText.bool(text) == true) }
    for text in ["false", "F", "no", "n", "Off", "0", ""] {
      #expect(SettingText.bool(text) == false)
    }
    for text in ["2", "perhaps", " true"] { #expect(SettingText.bool(text) == nil) }
    for text in ["1", "t", ""] { #expect(SettingText.yamlBool(text) == nil) }
    #expect(SettingText.yamlBool("On") == true)
    #expect(SettingText.yamlBool("NO") == false)
  }
}
