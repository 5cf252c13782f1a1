// Waiting until cancelled.

/// Suspends until the task is cancelled.
package func untilCancelled() async {
  let nothing = Watched(())
  await nothing.waitUnlessCancelled { _ -> Void? in nil }
}
