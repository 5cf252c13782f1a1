// Joins a channel on a node that this measurement has started, by the participation API without TLS.

import Foundation
import Storage

/// One request over HTTP/1.1 to this machine.
struct ParticipationRequest {
  /// How long the socket waits for the node to take or send something, in seconds.
  private static let patience = 60
  /// The most that is read of an answer, in bytes.
  private static let maximumAnswer = 64 << 10

  let port: Int
  /// The channel's genesis block.
  let block: [UInt8]

  /// The bytes of the request: a form with the block, as `osnadmin channel join` sends it.
  var bytes: [UInt8] {
    let boundary = "benchmark-\(block.count)"
    let before = """
      --\(boundary)\r
      Content-Disposition: form-data; name="config-block"; filename="config.block"\r
      Content-Type: application/octet-stream\r
      \r

      """
    let after = "\r\n--\(boundary)--\r\n"
    let body = Array(before.utf8) + block + Array(after.utf8)
    let head = """
      POST /participation/v1/channels HTTP/1.1\r
      Host: 127.0.0.1:\(port)\r
      Connection: close\r
      Content-Type: multipart/form-data; boundary=\(boundary)\r
      Content-Length: \(body.count)\r
      \r

      """
    return Array(head.utf8) + body
  }

  /// Sends it and waits for the answer. Blocks the thread.
  ///
  /// - Throws: if the node does not take the channel.
  func run() throws(BenchmarkError) {
    let answer = String(decoding: try exchange(), as: UTF8.self)
    let status = answer.split(separator: " ", maxSplits: 2).dropFirst().first.flatMap { Int($0) }
    guard status == 201 else {
      throw BenchmarkError("the orderer does not join the channel: \(answer.prefix(1_000))")
    }
  }

  private func exchange() throws(BenchmarkError) -> [UInt8] {
    func failure(_ what: String) -> BenchmarkError {
      BenchmarkError("\(what) the participation API on port \(port): \(StorageError.text(errno))")
    }
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw failure("no socket for") }
    defer { close(descriptor) }
    var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
    let limitSize = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, limitSize)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, limitSize)
    var address = LoopbackAddress(port: port)
    let connected = address.with { connect(descriptor, $0, $1) }
    guard connected == 0 else { throw failure("cannot connect to") }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw failure("cannot write to") }
      rest = rest.dropFirst(count)
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while answer.count < Self.maximumAnswer {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count >= 0 else { throw failure("cannot read from") }
      if count == 0 { break }
      answer += buffer[..<count]
    }
    return answer
  }
}
