// Tables for the keys that sign most: when they are made, and that they change nothing but the time.

import Synchronization
import TestSupport
import Testing

@testable import FabricCrypto

/// Work that is done when the test says so.
private final class HeldWork: Sendable {
  private let held = Mutex<[@Sendable () -> Void]>([])

  var count: Int { held.withLock { $0.count } }

  func add(_ work: @escaping @Sendable () -> Void) { held.withLock { $0.append(work) } }

  /// Does what has come together.
  func run() {
    let work = held.withLock { held in
      defer { held = [] }
      return held
    }
    for work in work { work() }
  }
}

/// A member that signs.
private struct Member {
  let privateKey: ECDSAPrivateKey
  let key: MemberKey
  let message = Array("a message to sign".utf8)
  let signature: [UInt8]

  init(_ tables: KeyTables, _ privateKey: ECDSAPrivateKey? = nil) throws {
    self.privateKey = try privateKey ?? .generate()
    key = try #require(MemberKey(.ecdsa(self.privateKey.publicKey), tables: tables))
    signature = try self.privateKey.sign(message[...])
  }

  /// Verifies so many valid signatures.
  func use(_ count: Int) {
    for _ in 0..<count {
      #expect(key.isValid(signature: signature[...], forMessageParts: [message[...]]))
    }
  }

  /// Verifies so many that are not.
  func misuse(_ count: Int) {
    for _ in 0..<count {
      #expect(!key.isValid(signature: signature[...], forMessageParts: [message.dropLast()]))
      #expect(!key.isValid(signature: [1, 2], forMessageParts: [message[...]]))
    }
  }
}

@Suite struct KeyTablesTests {
  private let work = HeldWork()

  private func tables(keys: Int) -> KeyTables {
    let work = work
    return KeyTables(keys: keys) { work.add($0) }
  }

  @Test func `a key gets a table once it has signed often, and verifies without until it is made`()
    throws
  {
    let tables = tables(keys: 4)
    let member = try Member(tables)
    member.use(KeyTables.usesForTable - 1)
    #expect(work.count == 0)
    member.use(1)
    #expect(work.count == 1)
    member.use(500)
    #expect(work.count == 1 && !member.key.hasTable && tables.count == 0)
    work.run()
    #expect(member.key.hasTable && tables.count == 1)
    member.use(500)
    member.misuse(10)
    #expect(work.count == 0 && tables.count == 1)
  }

  @Test func `signatures that are not valid count for nothing`() throws {
    let member = try Member(tables(keys: 4))
    member.misuse(500)
    #expect(work.count == 0)
  }

  @Test func `only P-256 keys are counted`() throws {
    let tables = tables(keys: 4)
    for curve in [ECDSACurve.p384, .p521] {
      let key = try ECDSAPrivateKey.generate(curve: curve)
      #expect(MemberKey(.ecdsa(key.publicKey), tables: tables) == nil)
    }
    let other = try Ed25519PrivateKey().publicKey
    #expect(MemberKey(.ed25519(other), tables: tables) == nil)
  }

  @Test func `a key has one table, in however many channels it signs`() throws {
    let tables = tables(keys: 4)
    let one = try Member(tables)
    let same = try Member(tables, one.privateKey)
    one.use(64)
    same.use(64)
    #expect(work.count == 1)
    work.run()
    #expect(one.key.hasTable && !same.key.hasTable)
    same.use(64)
    #expect(work.count == 0 && same.key.hasTable && tables.count == 1)
  }

  @Test func `there are no more tables than allowed, and a busy key keeps its own`() throws {
    let tables = tables(keys: 2)
    let members = try (0..<3).map { _ in try Member(tables) }
    for member in members {
      member.use(64)
      work.run()
    }
    #expect(members.map(\.key.hasTable) == [true, true, false])
    // All alike: nobody gives way to anybody.
    for _ in 0..<30 {
      for member in members { member.use(16) }
      work.run()
    }
    #expect(members.map(\.key.hasTable) == [true, true, false])
    #expect(tables.count == 2)
  }

  @Test func `a key that is used no more gives way, and verifies without from then on`() throws {
    let tables = tables(keys: 2)
    let members = try (0..<3).map { _ in try Member(tables) }
    for member in members.prefix(2) { member.use(64) }
    work.run()
    // Two epochs on, the second has not been used.
    for _ in 0..<20 {
      members[0].use(32)
      members[2].use(32)
    }
    work.run()
    #expect(members.map(\.key.hasTable) == [true, false, true])
    #expect(tables.count == 2)
    members[1].use(20)
    members[1].misuse(2)
    #expect(!members[1].key.hasTable)
  }

  @Test func `many keys that sign alike do not push each other out`() throws {
    let tables = tables(keys: 2)
    let members = try (0..<24).map { _ in try Member(tables) }
    for _ in 0..<70 {
      for member in members { member.use(1) }
      work.run()
    }
    // An epoch is 256 verifications: nobody has a quarter of them.
    #expect(tables.count == 0)
  }

  @Test func `what the tables may take is known`() {
    #expect(KeyTables(keys: 64).maximumByteCount == 65 * 87_040 + 262_208)
    #expect(KeyTables(keys: 0).maximumByteCount == 2 * 87_040 + 262_208)
    #expect(KeyTables(keys: .max).maximumByteCount == 1025 * 87_040 + 262_208)
  }

  @Test func `many threads may verify while tables come and go`() async throws {
    let tables = KeyTables(keys: 2)
    let members = try (0..<4).map { _ in try Member(tables) }
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          // Each prefers another member at each time, so that tables move.
          for round in 0..<400 {
            members[(round / 100 + task / 4) % 4].use(1)
            if round % 50 == 0 { members[task % 4].misuse(1) }
          }
        }
      }
    }
    #expect(tables.count <= 2)
  }

  @Test func `with a table, every change of a signature's bytes has the same verdict`() throws {
    let tables = tables(keys: 1)
    let member = try Member(tables)
    let key = member.privateKey.publicKey
    member.use(64)
    work.run()
    #expect(member.key.hasTable)
    var generator = SplitMix64(seed: 1)
    var valid = 0
    for round in 0..<4000 {
      var changed = member.signature
      let index = Int.random(in: 0..<changed.count, using: &generator)
      switch round % 5 {
      case 0: changed[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: changed.removeSubrange(index...)
      case 2: changed.insert(0, at: index)
      case 3: changed += [UInt8](repeating: 7, count: index)
      default: changed = TestSignature.flipped(changed, curve: .p256) ?? []
      }
      let verdict = key.isValid(signature: changed[...], for: member.message[...])
      if verdict { valid += 1 }
      #expect(
        member.key.isValid(signature: changed[...], forMessageParts: [member.message[...]])
          == verdict)
    }
    // What follows the two numbers is not looked at.
    #expect(valid >= 800)
  }
}
