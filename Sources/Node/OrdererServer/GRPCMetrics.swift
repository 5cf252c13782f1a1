// What the client port is measured by: an observer of the gRPC server.

import GRPCTransport
import Metrics
import Ordering
import Synchronization

/// Records Fabric's `grpc_comm` and `grpc_server` metrics.
///
/// Connections are counted once for each, messages once for each burst. Only the methods that the
/// server has are measured; a call of another one gets no handler and is not counted, as in Fabric.
final class GRPCMetrics: GRPCServerObserver {
  /// The series of one method.
  private final class Method: Sendable {
    let service: String
    let name: String
    private let isUnary: Bool
    private let labels: [(String, String)]
    private let factory: any MetricsFactory
    private let received: Counter
    /// Messages of unary calls are not counted: there is one each way.
    let messagesReceived: Counter?
    let messagesSent: Counter?
    private let completed = Mutex<[GRPCStatus.Code: (Timer, Counter)]>([:])

    init(service: String, name: String, isUnary: Bool, factory: any MetricsFactory) {
      self.service = service
      self.name = name
      self.isUnary = isUnary
      self.factory = factory
      let labels = [("service", GRPCMetrics.label(service)), ("method", GRPCMetrics.label(name))]
      self.labels = labels
      func counter(_ what: String) -> Counter {
        Counter(
          label: "grpc_server_\(isUnary ? "unary" : "stream")_\(what)", dimensions: labels,
          factory: factory)
      }
      received = counter("requests_received")
      messagesReceived = isUnary ? nil : counter("messages_received")
      messagesSent = isUnary ? nil : counter("messages_sent")
    }

    func opened() { received.increment() }

    func closed(_ code: GRPCStatus.Code, after duration: Duration) {
      let (timer, counter) = completed.withLock { completed in
        if let known = completed[code] { return known }
        let kind = isUnary ? "unary" : "stream"
        let labels = labels + [("code", code.name)]
        let made = (
          Timer(
            label: "grpc_server_\(kind)_request_duration", dimensions: labels, factory: factory),
          Counter(
            label: "grpc_server_\(kind)_requests_completed", dimensions: labels, factory: factory)
        )
        completed[code] = made
        return made
      }
      timer.record(duration: duration)
      counter.increment()
    }
  }

  /// The methods of gRPC's own health service, which the server adds by itself.
  private static let healthMethods = [
    "/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch",
  ]
  /// All other methods are streams.
  private static let unaryMethods: Set = ["/grpc.health.v1.Health/Check"]

  private let connectionsOpened: Counter
  private let connectionsClosed: Counter
  /// So few that looking through them is quicker than any table.
  private let methods: [Method]

  /// nil if nobody looks.
  ///
  /// - Parameter paths: of the server's methods.
  init?(paths: [String], factory: any MetricsFactory) {
    guard factory.isRecording else { return nil }
    connectionsOpened = Counter(label: "grpc_comm_conn_opened", factory: factory)
    connectionsClosed = Counter(label: "grpc_comm_conn_closed", factory: factory)
    methods = (paths + Self.healthMethods).compactMap { path in
      let parts = path.split(separator: "/").map(String.init)
      guard parts.count == 2 else { return nil }
      return Method(
        service: parts[0], name: parts[1], isUnary: Self.unaryMethods.contains(path),
        factory: factory)
    }
  }

  /// Fabric's labels have no periods, since statsd would take them for levels.
  private static func label(_ name: String) -> String {
    String(name.map { $0 == "." ? "_" : $0 })
  }

  private func method(_ call: GRPCCall) -> Method? {
    methods.first { $0.name == call.method && $0.service == call.service }
  }

  func connectionOpened(remoteAddress: String) { connectionsOpened.increment() }

  func connectionClosed(remoteAddress: String) { connectionsClosed.increment() }

  func streamOpened(_ call: GRPCCall) { method(call)?.opened() }

  func messagesReceived(_ call: GRPCCall, count: Int, bytes: Int) {
    method(call)?.messagesReceived?.increment(by: count)
  }

  func messagesSent(_ call: GRPCCall, count: Int, bytes: Int) {
    method(call)?.messagesSent?.increment(by: count)
  }

  func streamClosed(_ call: GRPCCall, status: GRPCStatus, duration: Duration) {
    method(call)?.closed(status.code, after: duration)
  }
}
