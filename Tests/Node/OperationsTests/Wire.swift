// A client that sends any bytes and keeps what comes back, and other helpers of the tests.

import Foundation
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import Operations

struct TimeIsUp: Error {}

/// Polls until the condition holds.
func eventually(
  _ what: Comment, within limit: Duration = .seconds(60), _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while try await !condition() {
    guard ContinuousClock.now < end else {
      Issue.record(what)
      throw TimeIsUp()
    }
    try await Task.sleep(for: .milliseconds(10))
  }
}

/// One connection.
final class Wire: Sendable {
  static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)

  private final class Collector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let bytes = Mutex([UInt8]())

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let buffer = unwrapInboundIn(data)
      bytes.withLock { $0.append(contentsOf: buffer.readableBytesView) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
      context.close(promise: nil)
    }
  }

  let channel: any Channel
  private let collector: Collector

  /// - Parameter address: `host:port`
  init(_ address: String, tls: NIOSSLContext? = nil, readsNothing: Bool = false) async throws {
    let collector = Collector()
    self.collector = collector
    let target = try NetworkAddress(address)
    channel = try await ClientBootstrap(group: Self.group)
      .channelOption(.autoRead, value: !readsNothing)
      .channelOption(.socketOption(.so_rcvbuf), value: readsNothing ? 4096 : 1 << 20)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls {
            try channel.pipeline.syncOperations.addHandler(
              try NIOSSLClientHandler(context: tls, serverHostname: "localhost"))
          }
          try channel.pipeline.syncOperations.addHandler(collector)
        }
      }
      .connect(host: target.hostToDial, port: target.port).get()
  }

  var received: String { String(decoding: collector.bytes.withLock { $0 }, as: UTF8.self) }
  var receivedBytes: Int { collector.bytes.withLock { $0.count } }
  var isOpen: Bool { channel.isActive }

  func send(_ text: String) async throws {
    try await channel.writeAndFlush(ByteBuffer(string: text))
  }

  func close() async { try? await channel.close() }

  /// What has come when the server has closed.
  func untilClosed() async throws -> String {
    try await eventually("the server closes") { !self.isOpen }
    return received
  }

  /// Waits until this has come.
  func until(_ text: String, within limit: Duration = .seconds(60)) async throws {
    try await eventually("'\(text)' comes", within: limit) { self.received.contains(text) }
  }
}

/// What came is no response.
struct NoAnswer: Error {
  let received: String
}

/// A response, taken apart.
struct Answer {
  let status: Int
  let headers: [String: String]
  let body: String

  init(_ text: String) throws {
    guard let end = text.firstRange(of: "\r\n\r\n") else { throw NoAnswer(received: text) }
    let lines = text[..<end.lowerBound].split(separator: "\r\n")
    status = try #require(lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    headers = Dictionary(
      lines.dropFirst().map { line in
        let colon = line.firstIndex(of: ":") ?? line.endIndex
        return (
          line[..<colon].lowercased(),
          line[colon...].dropFirst().trimmingCharacters(in: .whitespaces)
        )
      }, uniquingKeysWith: { $0 + ", " + $1 })
    body = String(text[end.upperBound...])
  }
}

/// One request on a connection of its own.
func ask(
  _ address: String?, _ method: String, _ path: String, _ body: String? = nil,
  headers: [String] = [], tls: NIOSSLContext? = nil
) async throws -> Answer {
  let wire = try await Wire(try #require(address), tls: tls)
  var request = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
  for header in headers { request += header + "\r\n" }
  if let body { request += "Content-Length: \(body.utf8.count)\r\n" }
  try await wire.send(request + "\r\n" + (body ?? ""))
  return try Answer(try await wire.untilClosed())
}

/// A log that can be looked at.
final class TestLog: Sendable {
  private let lines = Mutex([String]())

  var text: String { lines.withLock { $0.joined(separator: "\n") } }

  var logger: Logger {
    var logger = Logger(label: "test") { _ in Handler(log: self) }
    logger.logLevel = .debug
    return logger
  }

  private struct Handler: LogHandler {
    let log: TestLog
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.debug

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).map { " \($0)=\($1)" }.sorted().joined()
      log.lines.withLock { $0.append("\(event.level) \(event.message)\(fields)") }
    }
  }
}

/// A log spec that is only remembered.
final class TestLogSpec: LogSpecControl {
  struct Invalid: Error, CustomStringConvertible {
    let description: String
  }

  private let value = Mutex("info")
  var spec: String { value.withLock { $0 } }

  func setSpec(_ spec: String) throws {
    guard !spec.contains("nosuch") else {
      throw Invalid(description: "invalid logging specification '\(spec)': bad segment '\(spec)'")
    }
    value.withLock { $0 = spec.isEmpty ? "info" : spec }
  }
}

/// The fixture certificates.
enum Certificates {
  private static let crypto = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/crypto")

  static func read(_ name: String) throws -> [UInt8] {
    try Array(Data(contentsOf: crypto.appending(path: name)))
  }

  static let node = "orderer.test/nodes/node1/tls"

  static func server(
    clientRoots: [String] = [], requiresClientCertificate: Bool = false
  ) throws -> HTTPServerTLS {
    HTTPServerTLS(
      certificateChain: try read("\(node)/server.crt"), privateKey: try read("\(node)/server.key"),
      clientRoots: try clientRoots.map(read),
      requiresClientCertificate: requiresClientCertificate)
  }

  /// - Parameter user: whose certificate is presented, such as `org1.test/users/user1/tls`.
  static func client(
    _ user: String? = nil, maximum: TLSVersion? = nil, minimum: TLSVersion = .tlsv1
  ) throws -> NIOSSLContext {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .certificates(
      try NIOSSLCertificate.fromPEMBytes(try read("\(node)/ca.crt")))
    configuration.minimumTLSVersion = minimum
    configuration.maximumTLSVersion = maximum
    if let user {
      configuration.certificateChain = try NIOSSLCertificate.fromPEMBytes(try read("\(user).crt"))
        .map { .certificate($0) }
      configuration.privateKey = .privateKey(
        try NIOSSLPrivateKey(bytes: try read("\(user).key"), format: .pem))
    }
    return try NIOSSLContext(configuration: configuration)
  }
}
