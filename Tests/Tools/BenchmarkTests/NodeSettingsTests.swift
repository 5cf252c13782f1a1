// The files that nodes are started with are sound.

import Foundation
import GenesisProfiles
import Membership
import Storage
import TestSupport
import Testing

@testable import Benchmark

struct NodeSettingsTests {
  @Test("Profiles make channels that a bundle accepts", arguments: BenchmarkConsensus.allCases)
  func profiles(consensus: BenchmarkConsensus) throws {
    let folder = try TemporaryFolder()
    let network = try BenchmarkNetwork(folder: folder.path, now: Date())
    var settings = NodeSettings()
    settings.consensus = consensus
    settings.channels = 2
    settings.brokers = ["127.0.0.1:9092"]
    let document = try ProfileDocument(
      yaml: settings.configtx(network: network, port: 7050), directory: folder.path)
    #expect(document.warnings.isEmpty)
    for name in consensus.hasSystemChannel ? ["System"] : ["Genesis"] {
      let profile = try document.profile(name)
      #expect(profile.warnings.isEmpty)
      let block = try GenesisBlockFactory.block(profile: profile, channelID: "c", now: Date())
      #expect(block.data.count == 1)
    }
    if consensus.hasSystemChannel {
      _ = try ChannelCreation.transaction(
        profile: document.profile("Channel"), channelID: "c", timestamp: 1, signer: network.admin)
    }
    #expect(settings.channelNames == ["benchmark-1", "benchmark-2"])
  }

  @Test("A node's MSP folder is sound, and keys are for their owner alone")
  func msp() throws {
    let folder = try TemporaryFolder()
    let network = try BenchmarkNetwork(folder: folder.path, now: Date())
    let msp = try LocalMSP(
      directory: network.nodeMSP, mspID: BenchmarkNetwork.ordererMSP, now: Date())
    #expect(msp.signer.mspID == BenchmarkNetwork.ordererMSP)
    var info = stat()
    #expect(stat("\(network.nodeMSP)/keystore/key.pem", &info) == 0)
    #expect(info.st_mode & 0o077 == 0)
    let again = try ClientIdentity(
      mspID: BenchmarkNetwork.ordererMSP, folder: network.nodeMSP)
    let certificate = try BoundedFile.read("\(network.nodeMSP)/signcerts/cert.pem", limit: 1 << 20)
    #expect(try SerializedIdentity(again.creator[...]).certificatePEM == certificate)
    try Data().write(to: URL(fileURLWithPath: "\(network.nodeMSP)/keystore/second.pem"))
    #expect(throws: BenchmarkError.self) {
      try ClientIdentity(mspID: BenchmarkNetwork.ordererMSP, folder: network.nodeMSP)
    }
  }

  @Test("The request that joins a channel is a form with the block in it")
  func join() {
    let request = String(
      decoding: ParticipationRequest(port: 1, block: Array("BLOCK".utf8)).bytes, as: UTF8.self)
    #expect(request.hasPrefix("POST /participation/v1/channels HTTP/1.1\r\n"))
    #expect(request.contains("name=\"config-block\""))
    #expect(request.hasSuffix("\r\n\r\nBLOCK\r\n--benchmark-5--\r\n"))
    let body = request.split(separator: "\r\n\r\n", maxSplits: 1)[1]
    #expect(request.contains("Content-Length: \(body.utf8.count)\r\n"))
  }

  @Test("Free ports that are found together differ")
  func freePorts() throws {
    let ports = try FreePort.find(20)
    #expect(Set(ports).count == 20 && ports.allSatisfy { $0 > 0 })
  }

  @Test("Addresses are read as they are written")
  func addresses() {
    #expect(OrdererAddress("localhost:7050") == OrdererAddress(host: "localhost", port: 7050))
    #expect(OrdererAddress("[::1]:1")?.description == "[::1]:1")
    for text in [
      "", "host", "host:", ":1", "host:0", "host:65536", "host:x", "a:b:80", "::1:80", "[::1:80",
      "[]:80",
    ] {
      #expect(OrdererAddress(text) == nil)
    }
  }
}
