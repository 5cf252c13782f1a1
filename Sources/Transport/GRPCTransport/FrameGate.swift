// Cuts what a peer sends into frames before HTTP/2's parser sees it, and counts them.

import NIOCore

/// Hands over whole frames, drops those that HTTP/2 says to ignore, and holds the beginning of one frame
/// at most.
///
/// swift-nio-http2's parser appends all reads to one buffer, which it only empties when a read ends where
/// a frame ends; the peer decides whether that ever happens. With the gate it always does: what is handed
/// over ends with a frame, or within a DATA payload, which the parser passes on as it comes. DATA is never
/// copied here.
///
/// What breaks HTTP/2's rules is handed over as far as the parser needs to see it, which then ends the
/// connection; nothing follows.
struct FrameGate {
  enum Step: Equatable {
    /// For the parser.
    case pass(ByteBuffer)
    /// The connection must end; nothing follows.
    case refuse(FrameFlood)
  }

  private enum Phase {
    /// A client's preface, of which so many bytes are missing → boundary
    case preface(Int)
    /// Between frames; `held` has the beginning of a header, or nothing → passing, gathering, dropping,
    /// refused, closed
    case boundary
    /// So many bytes of DATA are to come → boundary
    case passing(Int)
    /// So many bytes are missing from the frame in `held` → boundary
    case gathering(Int)
    /// So many bytes are to be dropped → boundary
    case dropping(Int)
    /// → closed
    case refused(FrameFlood)
    case closed
  }

  private enum Verdict {
    case pass
    case gather
    case drop
    /// The parser ends the connection when it has seen the header.
    case condemn
    case refuse(FrameFlood)
  }

  /// `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`
  private static let prefaceBytes = 24

  private let limits: FrameLimits
  private var phase: Phase
  /// The beginning of a frame that is handed over as a whole.
  private var held = ByteBuffer()
  /// What was read and is not cut yet.
  private var input = ByteBuffer()
  /// The stream whose headers go on in a CONTINUATION frame.
  private var continued: UInt32?

  /// Whose frames these are: a client's begin with a preface.
  enum Peer {
    case client
    case server
  }

  init(limits: FrameLimits, from peer: Peer = .client) {
    self.limits = limits
    phase =
      switch peer {
      case .client: .preface(Self.prefaceBytes)
      case .server: .boundary
      }
  }

  /// Bytes that wait for the rest of their frame: at most one frame.
  var heldBytes: Int { held.readableBytes }

  /// Takes what was read; then `next` has to be called until it returns nil. What is handed over can
  /// bring about the next read before that: a write that fails reads what is left.
  mutating func append(_ read: ByteBuffer) {
    if input.readableBytes == 0 { input = read } else { input.writeImmutableBuffer(read) }
  }

  /// The next piece of what was read.
  ///
  /// - Parameters:
  ///   - allowances: where frames are counted.
  ///   - now: when they were read.
  mutating func next(_ allowances: inout FrameAllowances, at now: NIODeadline) -> Step? {
    while true {
      switch phase {
      case .preface, .passing:
        guard input.readableBytes > 0 else { return nil }
        if let piece = scan(&allowances, at: now) { return .pass(piece) }
      case .boundary:
        guard input.readableBytes > 0 else { return nil }
        if held.readableBytes == 0 {
          if let piece = scan(&allowances, at: now) { return .pass(piece) }
        } else if let piece = completeHeader(&allowances, at: now) {
          return .pass(piece)
        }
      case .gathering(let missing):
        let missing = missing - moveToHeld(missing)
        guard missing == 0 else {
          phase = .gathering(missing)
          return nil
        }
        phase = .boundary
        return .pass(takeHeld())
      case .dropping(let left):
        let dropped = min(left, input.readableBytes)
        input.moveReaderIndex(forwardBy: dropped)
        guard dropped == left else {
          phase = .dropping(left - dropped)
          return nil
        }
        phase = .boundary
      case .refused(let flood):
        phase = .closed
        return .refuse(flood)
      case .closed:
        (input, held) = (ByteBuffer(), ByteBuffer())
        return nil
      }
    }
  }

  // MARK: Cutting

  /// All that can be handed over in one piece from the front of `input`; nil if that is nothing. What
  /// follows it is in `held`, or the phase says what it is.
  private mutating func scan(
    _ allowances: inout FrameAllowances, at now: NIODeadline
  ) -> ByteBuffer? {
    var end = input.readerIndex
    scanning: while end < input.writerIndex {
      let available = input.writerIndex - end
      switch phase {
      case .preface(let left):
        end += min(left, available)
        phase = left > available ? .preface(left - available) : .boundary
      case .passing(let left):
        end += min(left, available)
        phase = left > available ? .passing(left - available) : .boundary
      case .boundary:
        guard let header = FrameHeader(input, at: end) else {
          holdRest(from: end)
          break scanning
        }
        switch judge(header, &allowances, at: now) {
        case .pass:
          end += header.readBytes
          begin(passing: header)
        case .gather where header.frameBytes <= available:
          end += header.frameBytes
        case .gather:
          holdRest(from: end)
          phase = .gathering(header.frameBytes - available)
          break scanning
        case .drop:
          phase = .dropping(header.frameBytes)
          break scanning
        case .condemn:
          end += header.readBytes
          phase = .closed
          break scanning
        case .refuse(let flood):
          phase = .refused(flood)
          break scanning
        }
      case .gathering, .dropping, .refused, .closed:
        break scanning
      }
    }
    return takeInput(upTo: end)
  }

  /// Completes the header in `held` and does what it says; nil if nothing can be handed over yet.
  private mutating func completeHeader(
    _ allowances: inout FrameAllowances, at now: NIODeadline
  ) -> ByteBuffer? {
    while moveToHeld(1) == 1 {
      guard let header = FrameHeader(held, at: held.readerIndex) else { continue }
      switch judge(header, &allowances, at: now) {
      case .pass:
        begin(passing: header)
        return takeHeld()
      case .gather:
        phase = .gathering(header.payloadBytes)
        return nil
      case .drop:
        _ = takeHeld()
        phase = .dropping(header.payloadBytes)
        return nil
      case .condemn:
        phase = .closed
        return takeHeld()
      case .refuse(let flood):
        phase = .refused(flood)
        return nil
      }
    }
    return nil
  }

  private mutating func begin(passing header: FrameHeader) {
    let left = header.frameBytes - header.readBytes
    phase = left > 0 ? .passing(left) : .boundary
  }

  /// Copies, so that a few bytes do not keep a whole read alive.
  private mutating func holdRest(from index: Int) {
    held.writeImmutableBuffer(
      input.getSlice(at: index, length: input.writerIndex - index) ?? ByteBuffer())
    input.moveWriterIndex(to: index)
  }

  /// Moves up to `count` bytes; returns how many. Memory grows with what has arrived.
  private mutating func moveToHeld(_ count: Int) -> Int {
    guard var piece = input.readSlice(length: min(count, input.readableBytes)) else { return 0 }
    return held.writeBuffer(&piece)
  }

  private mutating func takeHeld() -> ByteBuffer {
    defer { held = ByteBuffer() }
    return held
  }

  private mutating func takeInput(upTo end: Int) -> ByteBuffer? {
    if end == input.writerIndex {
      defer { input = ByteBuffer() }
      return input.readableBytes > 0 ? input : nil
    }
    let length = end - input.readerIndex
    return length > 0 ? input.readSlice(length: length) : nil
  }

  // MARK: Judging

  /// Called once for each frame.
  private mutating func judge(
    _ header: FrameHeader, _ allowances: inout FrameAllowances, at now: NIODeadline
  ) -> Verdict {
    guard header.payloadBytes <= FrameLimits.maximumPayloadBytes else { return .condemn }
    if let stream = continued {
      // Not even a frame of an unknown type may come between (RFC 9113, 5.5 and 6.10).
      guard header.type == FrameType.continuation, header.stream == stream else { return .condemn }
      if header.endsHeaders { continued = nil }
      return .gather
    }
    func count(_ allowance: inout FrameAllowance, _ kind: String) -> Verdict {
      allowance.take(at: now) ? .gather : .refuse(FrameFlood(kind: kind))
    }
    switch header.type {
    case FrameType.data:
      return judgeData(header, &allowances, at: now)
    case FrameType.headers, FrameType.pushPromise:
      if !header.endsHeaders { continued = header.stream }
      return count(&allowances.headers, "HEADERS")
    case FrameType.priority: return count(&allowances.priorities, "PRIORITY")
    case FrameType.reset: return count(&allowances.resets, "RST_STREAM")
    case FrameType.settings:
      guard header.payloadBytes <= limits.settingsPerFrame * Self.settingBytes else {
        return .refuse(FrameFlood(kind: "SETTINGS"))
      }
      return count(&allowances.settings, "SETTINGS")
    case FrameType.ping: return count(&allowances.pings, "PING")
    case FrameType.goAway: return count(&allowances.goAways, "GOAWAY")
    case FrameType.windowUpdate: return count(&allowances.windowUpdates, "WINDOW_UPDATE")
    case FrameType.continuation: return .condemn
    default:
      guard case .refuse(let flood) = count(&allowances.unknown, "unknown") else { return .drop }
      return .refuse(flood)
    }
  }

  /// Bytes of one setting (RFC 9113, 6.5.1).
  private static let settingBytes = 6

  private func judgeData(
    _ header: FrameHeader, _ allowances: inout FrameAllowances, at now: NIODeadline
  ) -> Verdict {
    guard header.stream != 0, header.dataBytes >= 0 else { return .condemn }
    if header.dataBytes > 0 {
      allowances.receivedData()
    } else if !header.endsStream, !allowances.emptyData.take(at: now) {
      return .refuse(FrameFlood(kind: "empty DATA"))
    }
    return .pass
  }
}
