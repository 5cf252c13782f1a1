// What is written to a stream that takes nothing is an error, not the end.

import Foundation
import Testing

@testable import Storage

@Suite struct StandardStreamsTests {
  @Test func whatIsWrittenArrives() throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let text = Array("a line\n".utf8)
    #expect(StandardStreams.write(text, to: ends[1]) == nil)
    var read = [UInt8](repeating: 0, count: 20)
    #expect(Foundation.read(ends[0], &read, read.count) == text.count)
    #expect(read.starts(with: text))
    for end in ends { close(end) }
  }

  @Test func aFullDeviceIsAnError() {
    let full = open("/dev/full", O_WRONLY)
    #expect(StandardStreams.write([1], to: full) == ENOSPC)
    close(full)
  }

  @Test func whatIsNotOpenForWritingIsAnError() {
    let null = open("/dev/null", O_RDONLY)
    #expect(StandardStreams.write([1], to: null) == EBADF)
    #expect(StandardStreams.write([], to: null) == nil)
    close(null)
    #expect(StandardStreams.write([1], to: -1) == EBADF)
  }
}
