// Lets a call's handler run where its bytes are written.

import NIOCore

/// Runs tasks that prefer it on a connection's event loop.
///
/// For work that alternates between a short computation and a write, such as copying blocks from
/// files to sockets: what it has just touched is still in the processor's cache when it is written,
/// and no thread has to be woken. It holds up the event loop's other connections, so do not use it
/// for work that takes longer than writing does, and never for work that waits.
final class EventLoopExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
