// What the task of a call and its stream's event loop share: both halves of a stream, and how they end together.

/// The state of one stream, always under its mutex.
struct StreamState {
  var inbound: InboundMessages
  var outbound: OutboundMessages

  init(windowBytes: Int, outboundLimit: Int) {
    inbound = InboundMessages(windowBytes: windowBytes)
    outbound = OutboundMessages(limit: outboundLimit)
  }

  /// Nothing is added to what is sent.
  ///
  /// - Returns: the status that counts, which is that of broken inbound framing if `status` is OK; and whether a
  ///   flush must be scheduled.
  mutating func finish(_ status: GRPCStatus) -> (GRPCStatus, needsFlush: Bool) {
    let final = status.code == .ok ? inbound.failure ?? status : status
    let (isNew, needsFlush) = outbound.finish(final)
    return (isNew ? final : status, needsFlush)
  }

  struct Ended {
    let reader: InboundMessages.Reader?
    let writers: [OutboundMessages.Writer]
    /// Bytes that are no longer buffered.
    let freedBytes: Int
  }

  /// The stream is over: what is queued to be sent is dropped; what has arrived is not, and `status` follows it.
  mutating func close(_ status: GRPCStatus) -> Ended {
    let (reader, freed) = inbound.close(status)
    return Ended(reader: reader, writers: outbound.end(status), freedBytes: freed)
  }

  /// The stream is over: queued messages of both directions are dropped.
  mutating func end(_ status: GRPCStatus) -> Ended {
    let (reader, freed) = inbound.end(status)
    return Ended(reader: reader, writers: outbound.end(status), freedBytes: freed)
  }
}
