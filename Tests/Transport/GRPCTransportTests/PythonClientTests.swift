// A real client, gRPC's Python package, against the server. Runs where HEDDLE_PYTHON names a Python
// that has grpcio.

import Foundation
import TestSupport
import Testing

@testable import GRPCTransport

@Suite(
  .enabled(if: ProcessInfo.processInfo.environment["HEDDLE_PYTHON"] != nil),
  .sockets, .serialized)
struct PythonClientTests {
  /// Streams messages both ways on 16 streams of one connection, and compares what comes back.
  private static let script = """
    import sys, threading, grpc
    address, ca, cert, key, count = sys.argv[1:6]
    count = int(count)
    read = lambda path: open(path, "rb").read() if path else None
    options = [("grpc.max_receive_message_length", -1), ("grpc.keepalive_time_ms", 60000),
               ("grpc.keepalive_timeout_ms", 3600000)]
    if ca:
        credentials = grpc.ssl_channel_credentials(read(ca), read(key), read(cert))
        channel = grpc.secure_channel(address, credentials, options)
    else:
        channel = grpc.insecure_channel(address, options)
    grpc.channel_ready_future(channel).result()
    stream = channel.stream_stream("/test.Echo/Stream")
    failures = []
    def run(number):
        try:
            size = 100 + 200 * number
            requests = (index.to_bytes(4, "big") + b"x" * size for index in range(count))
            seen = 0
            for answer in stream(requests):
                assert answer == seen.to_bytes(4, "big") + b"x" * size
                seen += 1
            assert seen == count, seen
        except BaseException as error:
            failures.append(repr(error))
    threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    large = list(channel.stream_stream("/test.Echo/Large")(iter([b"50000000"])))
    assert [len(answer) for answer in large] == [50000000]
    try:
        list(channel.stream_stream("/test.Echo/Fail")(iter([])))
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert error.details() == "no: 100%"
    try:
        channel.unary_unary("/nope/Nope")(b"")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED
    assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"") == b"\\x08\\x01"
    print("failures", failures)
    sys.exit(1 if failures else 0)
    """

  private func runPython(_ server: TestServer, ca: String = "", user: String = "") async throws {
    let python = try #require(ProcessInfo.processInfo.environment["HEDDLE_PYTHON"])
    let (_, port) = split(server.address)
    let process = Process()
    process.executableURL = URL(filePath: python)
    process.arguments = [
      "-c", Self.script, "localhost:\(port)", ca.isEmpty ? "" : Fixture.path(ca),
      user.isEmpty ? "" : Fixture.path("\(user)/tls.crt"),
      user.isEmpty ? "" : Fixture.path("\(user)/tls.key"), "625",
    ]
    let status = try await withCheckedThrowingContinuation { continuation in
      process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    #expect(status == 0)
  }

  @Test func pythonStreamsOverPlaintext() async throws {
    try await TestServer.run { try await runPython($0) }
  }

  @Test func pythonStreamsOverTLS() async throws {
    try await TestServer.run(tls: Fixture.serverTLS()) { server in
      try await runPython(server, ca: "\(Fixture.node)/ca.crt")
    }
  }

  @Test func pythonStreamsOverMutualTLS() async throws {
    try await TestServer.run(
      tls: Fixture.serverTLS(users: ["org1.test/users/user1"])
    ) { server in
      try await runPython(server, ca: "\(Fixture.node)/ca.crt", user: "org1.test/users/user1")
    }
  }
}
