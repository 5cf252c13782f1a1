// The stores that a simple factory has opened, until it is closed.

/// One store for each channel. Keep it under a lock.
enum OpenStores<Store: BlockStore>: Sendable {
  case open([String: Store])
  /// Takes no more calls. Final.
  case closed

  /// All of them, by channel.
  var stores: [String: Store] { if case .open(let stores) = self { stores } else { [:] } }

  /// The store of a channel, made if there is none.
  ///
  /// - Throws: What `make` throws; ``LedgerError/closed(channel:)``.
  mutating func store(
    of channelID: String, make: () throws(LedgerError) -> Store
  ) throws(LedgerError) -> Store {
    guard case .open(var stores) = self else { throw .closed(channel: channelID) }
    if let store = stores[channelID] { return store }
    let store = try make()
    stores[channelID] = store
    self = .open(stores)
    return store
  }

  /// Forgets a channel's store, for the caller to close; nil if there is none.
  mutating func remove(_ channelID: String) -> Store? {
    guard case .open(var stores) = self else { return nil }
    let store = stores.removeValue(forKey: channelID)
    self = .open(stores)
    return store
  }

  /// Ends it; returns the stores, for the caller to close.
  mutating func close() -> [Store] {
    defer { self = .closed }
    return Array(stores.values)
  }
}
