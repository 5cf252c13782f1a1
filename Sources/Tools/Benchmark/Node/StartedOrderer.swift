// An orderer that a measurement starts: an empty node, with channels of its own.

import Concurrency
import FabricCrypto
import FabricProtos
import Foundation
import GenesisProfiles
import NIOCore
import Storage

/// A running node with its channels. Whoever makes one stops it, which also removes its folder.
package struct StartedOrderer: Sendable {
  package let target: BenchmarkTarget
  private let process: NodeProcess
  private let folder: String

  /// Starts a node in a new folder and waits until its channels take envelopes.
  ///
  /// - Parameters:
  ///   - parent: Where the folder is made. On the disk that is to be measured.
  ///   - now: The time of day, for certificates and headers.
  static func start(
    name: String, executable: String, settings: NodeSettings, parent: String, now: Date,
    time: any TimeSource, dialer: (TargetTLS?) throws -> any LoadDialer
  ) async throws -> StartedOrderer {
    let folder = try makeFolder(in: parent)
    var settings = settings
    if settings.consensus == .kafka { settings.mark = "-\(hexadecimal(randomBytes(4)))" }
    do {
      let network = try BenchmarkNetwork(folder: folder, now: now)
      let ports = try FreePort.find(2)
      let (port, adminPort) = (ports[0], ports[1])
      let profiles = try ProfileDocument(
        yaml: settings.configtx(network: network, port: port), directory: folder)
      try write(
        settings.ordererYAML(folder: folder, network: network, port: port, adminPort: adminPort),
        "\(folder)/orderer.yaml")
      if settings.consensus.hasSystemChannel {
        let block = try GenesisBlockFactory.block(
          profile: profiles.profile("System"), channelID: settings.systemChannel, now: now)
        try File("\(folder)/genesis.block", .replacing).write(block.serialized(), at: 0)
      }
      let process = try NodeProcess(executable: executable, folder: folder, time: time)
      do {
        let target = BenchmarkTarget(
          name: name, addresses: [OrdererAddress(host: "127.0.0.1", port: port)],
          channels: settings.channelNames, client: network.client,
          tls: settings.usesTLS ? tls(network, settings) : nil, pid: process.pid, folder: folder)
        let channels = NodeChannels(
          target: target, admin: network.admin, profiles: profiles, now: now,
          adminPort: adminPort, dialer: try dialer(target.tls), time: time, process: process)
        try await channels.make(settings)
        return StartedOrderer(target: target, process: process, folder: folder)
      } catch {
        await process.stop()
        throw error
      }
    } catch {
      try? Folder.remove(folder)
      throw error
    }
  }

  /// Ends the node and removes what it wrote.
  ///
  /// - Throws: if it had ended before.
  package func stop() async throws {
    let verdict = Result { try process.checkAlive() }
    await process.stop()
    try Folder.remove(folder)
    try verdict.get()
  }

  private static func tls(_ network: BenchmarkNetwork, _ settings: NodeSettings) -> TargetTLS {
    let isMutual = settings.tls == .mutual
    return TargetTLS(
      roots: [network.tlsAuthority], certificate: isMutual ? network.tlsClient.certificate : [],
      key: isMutual ? network.tlsClient.key : [])
  }

  private static func makeFolder(in parent: String) throws -> String {
    var template = Array("\(parent)/orderer-benchmark-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw BenchmarkError("no folder can be made in \(parent): \(StorageError.text(errno))")
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func write(_ text: String, _ path: String) throws {
    try File(path, .replacing).write(Array(text.utf8), at: 0)
  }
}

/// Makes the channels of a node that has just been started.
private struct NodeChannels {
  /// How long the node may take to start, and a channel to be there.
  private static let patience = Duration.seconds(60)
  private static let pause = Duration.milliseconds(50)

  let target: BenchmarkTarget
  let admin: ClientIdentity
  let profiles: ProfileDocument
  let now: Date
  let adminPort: Int
  let dialer: any LoadDialer
  let time: any TimeSource
  let process: NodeProcess

  func make(_ settings: NodeSettings) async throws {
    if settings.consensus.hasSystemChannel {
      let profile = try profiles.profile("Channel")
      for channel in target.channels {
        let creation = try ChannelCreation.transaction(
          profile: profile, channelID: channel, timestamp: Int64(now.timeIntervalSince1970),
          signer: admin)
        try await create(channel, try creation.serializedBytes())
      }
    } else {
      let pool = BlockingPool(threads: 1)
      let result: Result<Void, any Error>
      do { result = .success(try await joinAll(on: pool)) } catch { result = .failure(error) }
      await pool.shutDown()
      try result.get()
    }
    for channel in target.channels {
      try await retrying("channel \(channel) takes no envelopes") {
        _ = try await OrdererProbe(target: target, dialer: dialer, now: now).height(of: channel)
      }
    }
  }

  private func create(_ channel: String, _ creation: [UInt8]) async throws {
    try await retrying("channel \(channel) cannot be created") {
      let connection = try await dialer.connect(to: target.addresses[0])
      defer { connection.close() }
      let stream = try await connection.openStream(OrdererMethod.broadcast)
      defer { stream.cancel() }
      try await stream.send([ByteBuffer(bytes: creation)])
      let (status, info) =
        try await stream.nextMessages()?.first.map(BroadcastAnswer.read) ?? (0, "no answer")
      guard status == Account.success else { throw BenchmarkError("status \(status): \(info)") }
    }
  }

  private func joinAll(on pool: BlockingPool) async throws {
    let profile = try profiles.profile("Genesis")
    for channel in target.channels {
      let block = try GenesisBlockFactory.block(profile: profile, channelID: channel, now: now)
      let request = ParticipationRequest(port: adminPort, block: block.serialized())
      try await retrying("channel \(channel) cannot be joined") {
        try await pool.run(orThrow: BenchmarkError("stopped")) { () throws(BenchmarkError) in
          try request.run()
        }
      }
    }
  }

  /// Tries until it succeeds; a node that starts answers this and that at first.
  private func retrying(_ what: String, _ attempt: () async throws -> Void) async throws {
    let deadline = time.now + Self.patience
    while true {
      try process.checkAlive()
      do { return try await attempt() } catch {
        guard time.now < deadline else {
          throw BenchmarkError("\(what): \(error); the orderer's log ends with\n\(process.logEnd)")
        }
      }
      try await time.sleep(for: Self.pause)
    }
  }
}
