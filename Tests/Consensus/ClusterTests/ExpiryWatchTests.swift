// Warnings of certificates that expire.

import Testing

@testable import Cluster

@Suite struct ExpiryWatchTests {
  @Test func warnsFromTheThresholdOnAtMostEveryFiveMinutes() {
    var watch = ExpiryWatch(notAfter: 10_000, threshold: .seconds(1000))
    #expect(watch.check(now: 8_999) == nil)
    #expect(watch.check(now: 9_000) == .seconds(1000))
    #expect(watch.check(now: 9_299) == nil)
    #expect(watch.check(now: 9_300) == .seconds(700))
    #expect(watch.check(now: 10_100) == .seconds(-100))
  }

  @Test func certificatesWithoutEndAreNotWarnedOf() {
    var watch = ExpiryWatch(notAfter: .max, threshold: .seconds(1000))
    #expect(watch.check(now: 1_767_225_600) == nil)
  }

  @Test func theWarningHasTheWordsOfFabric() {
    #expect(
      ExpiryWatch.text(
        node: "orderer1", endpoint: "10.0.0.1:7050", channel: "alpha", left: .seconds(3723))
          == """
          Certificate of orderer1 from 10.0.0.1:7050 for channel alpha expires in less than 1h2m3s
          """)
  }
}
