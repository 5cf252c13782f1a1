// The cache of identities: bounded, and quick where it counts.

import Foundation
import Testing

@testable import Membership

@Suite struct IdentityCacheTests {
  @Test func `what was put in comes out, for equal bytes wherever they lie`() {
    let cache = IdentityCache<Int>(capacity: 64)
    let key = (0..<900).map { UInt8(truncatingIfNeeded: $0) }
    cache.insert(7, for: key[...])
    #expect(cache.value(for: key[...]) == 7)
    #expect(cache.value(for: ([1, 2, 3] + key + [4])[3..<903]) == 7)
    #expect(cache.value(for: key.dropLast()) == nil)
    var other = key
    other[5] ^= 1
    // The same end, so the same set and the same hash.
    #expect(cache.value(for: other[...]) == nil)
    cache.insert(8, for: other[...])
    #expect(cache.value(for: key[...]) == 7)
    #expect(cache.value(for: other[...]) == 8)
    cache.insert(9, for: key[...])
    #expect(cache.value(for: key[...]) == 9)
    #expect(cache.count == 2)
    cache.insert(1, for: [])
    #expect(cache.value(for: []) == 1)
  }

  @Test func `it stays within its bound and keeps what is asked for`() {
    let cache = IdentityCache<Int>(capacity: 64)
    let favourite: [UInt8] = [1, 2, 3]
    cache.insert(-1, for: favourite[...])
    for number in 0..<5000 {
      let key = withUnsafeBytes(of: number) { Array($0) }
      cache.insert(number, for: key[...])
      #expect(cache.value(for: favourite[...]) == -1)
    }
    #expect(cache.count == 64)
    cache.insert(1, for: [UInt8](repeating: 1, count: 9000)[...])
    #expect(cache.value(for: [UInt8](repeating: 1, count: 9000)[...]) == nil)
  }

  @Test func `colliding keys only push each other out`() {
    let cache = IdentityCache<Int>(capacity: 1024)
    let end = [UInt8](repeating: 9, count: 200)
    for number in 0..<1000 {
      let key = withUnsafeBytes(of: number) { Array($0) } + end
      cache.insert(number, for: key[...])
      #expect(cache.value(for: key[...]) == number)
    }
    #expect(cache.count == 8)
  }

  @Test func `many threads may use it at once`() async {
    let cache = IdentityCache<Int>(capacity: 128)
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for number in 0..<2000 {
            let key = withUnsafeBytes(of: (number &* 31 &+ task) % 300) { Array($0) }
            if let value = cache.value(for: key[...]) {
              #expect(value == (number &* 31 &+ task) % 300)
            } else {
              cache.insert((number &* 31 &+ task) % 300, for: key[...])
            }
          }
        }
      }
    }
    #expect(cache.count <= 128)
  }

  @Test func `a manager answers for known identities from its cache`() throws {
    let manager = try MSPManager(msps: [Fixtures.msp("org1.test", "Org1MSP")])
    let serialized = try Fixtures.identity("org1.test", "user1", "Org1MSP")
    let first = try manager.validIdentity(serialized: serialized[...])
    let embedded = [0] + serialized + [0]
    #expect(try manager.validIdentity(serialized: embedded[1...serialized.count]) === first)
    #expect(manager.cachedIdentityCount == 1)
  }
}
