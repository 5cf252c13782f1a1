// How the C library asks the system for memory, and when it gives it back.

import Foundation

/// glibc's allocator. Where the C library is another one, nothing happens here.
///
/// By default it has an area of memory for each thread that ever allocated, eight for each processor, and keeps in
/// each what was freed. The threads of a node hand messages and blocks on to each other, so that is several times
/// what they need.
enum Allocator {
  /// One parameter, `mallopt(3)`.
  struct Parameter: Equatable {
    let number: Int32
    let value: Int32
    /// The variable by which an operator sets it.
    let variable: String
  }

  /// What is set in a process that has these variables: what an operator has set stays.
  static func parameters(
    processors: Int, environment: [String: String]
  ) -> [Parameter] {
    if let tunables = environment["GLIBC_TUNABLES"], tunables.contains("glibc.malloc.") {
      return []
    }
    return [
      Parameter(
        number: -8, value: Int32(min(max(processors, 2), 8)), variable: "MALLOC_ARENA_MAX"),
      // Larger pieces go back to the system when they are freed. Left alone, this grows up to 32 MiB.
      Parameter(number: -3, value: 1 << 20, variable: "MALLOC_MMAP_THRESHOLD_"),
      // So does the end of the memory, once as many bytes of it are free.
      Parameter(number: -1, value: 4 << 20, variable: "MALLOC_TRIM_THRESHOLD_"),
    ].filter { environment[$0.variable] == nil }
  }

  /// Sets the parameters, which is to be done before there are many threads.
  static func configure() {
    let information = ProcessInfo.processInfo
    for parameter in parameters(
      processors: information.activeProcessorCount, environment: information.environment)
    {
      _ = setParameter?(parameter.number, parameter.value)
    }
  }

  /// Gives all whole pages that are free back to the system. Takes some milliseconds, in which others may have to
  /// wait to allocate.
  static func trim() { _ = trimAll?(0) }
}

private typealias SetParameter = @convention(c) (Int32, Int32) -> Int32
private typealias Trim = @convention(c) (Int) -> Int32

/// mallopt(3) and malloc_trim(3), which Swift's module of the C library lacks; nil if it has none.
private let setParameter = dlsym(nil, "mallopt").map { unsafeBitCast($0, to: SetParameter.self) }
private let trimAll = dlsym(nil, "malloc_trim").map { unsafeBitCast($0, to: Trim.self) }
