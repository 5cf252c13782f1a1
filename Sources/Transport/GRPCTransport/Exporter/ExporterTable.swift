// How the secret of a handshake, which BoringSSL tells per context, gets to its connection.

import NIOCore
import Synchronization

/// The connections of one context whose handshakes are under way, by the randoms of their ClientHellos. A server and a
/// client never share one: if a node dials itself, both ends have the same random.
final class ExporterTable: Sendable {
  private let slots = Mutex<[[UInt8]: ExporterSlot]>([:])

  /// - Returns: False if another connection has this random: whoever repeats one must not get its secret.
  func add(_ slot: ExporterSlot, _ random: [UInt8]) -> Bool {
    slots.withLock { slots in
      guard slots[random] == nil else { return false }
      slots[random] = slot
      return true
    }
  }

  func remove(_ random: [UInt8]) { slots.withLock { $0[random] = nil } }

  /// BoringSSL tells of a handshake: on the event loop of its connection, before that learns of its end.
  func note(_ line: ByteBuffer) {
    guard let line = KeyLogLine(line) else { return }
    let slot = slots.withLock { $0.removeValue(forKey: line.clientRandom) }
    slot?.set(TLSExporter(secret: line.exporterSecret))
  }
}

/// Where a connection finds its exporter once its handshake is done.
final class ExporterSlot: Sendable {
  private let contents = Mutex<TLSExporter?>(nil)

  /// Nil before the end of the handshake, and for good if it was not one of TLS 1.3.
  var exporter: TLSExporter? { contents.withLock { $0 } }

  func set(_ exporter: TLSExporter?) { contents.withLock { $0 = exporter } }
}
