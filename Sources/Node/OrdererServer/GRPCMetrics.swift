// The metrics of the client port: an observer of the gRPC server.

import GRPCTransport
import MetricDescriptions
import Metrics
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
    private let descriptions: CallDescriptions
    private let factory: any MetricsFactory
    private let received: Counter
    /// Messages of unary calls are not counted: there is one each way.
    let messagesReceived: Counter?
    let messagesSent: Counter?
    private let completed = Mutex<[GRPCStatus.Code: (Timer, Counter)]>([:])

    init(service: String, name: String, isUnary: Bool, factory: any MetricsFactory) {
      self.service = service
      self.name = name
      self.factory = factory
      descriptions = isUnary ? .unary : .stream
      let service = GRPCMetrics.label(service)
      let name = GRPCMetrics.label(name)
      received = factory.counter(descriptions.received, service, name)
      messagesReceived = descriptions.messagesReceived.map { factory.counter($0, service, name) }
      messagesSent = descriptions.messagesSent.map { factory.counter($0, service, name) }
    }

    func opened() { received.increment() }

    func closed(_ code: GRPCStatus.Code, after duration: Duration) {
      let (timer, counter) = completed.withLock { completed in
        if let known = completed[code] { return known }
        let service = GRPCMetrics.label(service)
        let name = GRPCMetrics.label(name)
        let made = (
          factory.timer(descriptions.duration, service, name, code.name),
          factory.counter(descriptions.completed, service, name, code.name)
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
    connectionsOpened = factory.counter(Self.openedCount)
    connectionsClosed = factory.counter(Self.closedCount)
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

/// The metrics of calls of one kind.
private struct CallDescriptions {
  let messagesReceived: MetricDescription?
  let messagesSent: MetricDescription?
  let duration: MetricDescription
  let completed: MetricDescription
  let received: MetricDescription

  static let stream = CallDescriptions(
    messagesReceived: .counter(
      "grpc.server.stream_messages_received", labels: ["service", "method"],
      "Messages that arrived on streams."),
    messagesSent: .counter(
      "grpc.server.stream_messages_sent", labels: ["service", "method"],
      "Messages that were sent on streams."),
    duration: .histogram(
      "grpc.server.stream_request_duration", labels: ["service", "method", "code"],
      "Seconds from the opening of a stream to its end."),
    completed: .counter(
      "grpc.server.stream_requests_completed", labels: ["service", "method", "code"],
      "Streams that came to their end."),
    received: .counter(
      "grpc.server.stream_requests_received", labels: ["service", "method"],
      "Streams that were opened."))

  static let unary = CallDescriptions(
    messagesReceived: nil, messagesSent: nil,
    duration: .histogram(
      "grpc.server.unary_request_duration", labels: ["service", "method", "code"],
      "Seconds from a unary call to its answer."),
    completed: .counter(
      "grpc.server.unary_requests_completed", labels: ["service", "method", "code"],
      "Unary calls that were answered."),
    received: .counter(
      "grpc.server.unary_requests_received", labels: ["service", "method"],
      "Unary calls that arrived."))

  var all: [MetricDescription] {
    [messagesReceived, messagesSent].compactMap(\.self) + [duration, completed, received]
  }
}

extension GRPCMetrics {
  private static let closedCount = MetricDescription.counter(
    "grpc.comm.conn_closed", "gRPC connections that were closed; opened less closed are there now.")
  private static let openedCount = MetricDescription.counter(
    "grpc.comm.conn_opened", "gRPC connections that were opened; opened less closed are there now.")

  /// Every metric that is recorded here.
  static let descriptions =
    [closedCount, openedCount] + CallDescriptions.stream.all + CallDescriptions.unary.all
}
