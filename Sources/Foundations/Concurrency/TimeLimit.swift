// Work that must not take longer than some time.

/// What `body` returns, or nil if it takes longer than `limit`: then its task is cancelled, and
/// this waits for that task to end. So `body` must heed cancellation.
package func withTimeLimit<Value: Sendable>(
  _ limit: Duration, on time: any TimeSource,
  _ body: @escaping @Sendable () async -> Value
) async -> Value? {
  await withTaskGroup(of: Value?.self) { group in
    group.addTask { await body() }
    group.addTask {
      try? await time.sleep(for: limit)
      return nil
    }
    defer { group.cancelAll() }
    return await group.next() ?? nil
  }
}
