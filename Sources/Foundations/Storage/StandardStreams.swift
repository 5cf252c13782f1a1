// Standard input, output and error of the process, which may be closed or have no reader.

import Foundation

/// A standard stream did not take what was written.
package struct StandardStreamError: Error, Sendable, CustomStringConvertible {
  package let description: String
}

/// The descriptors 0, 1 and 2.
package enum StandardStreams {
  /// Occupies those that are closed, before anything else is opened: the next file would get their
  /// number, and what is written to the log would end up in the ledger.
  ///
  /// What takes their place cannot be used, so that whoever needs it learns that it was closed.
  package static func occupy() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number, which is this one. Without /dev/null the number stays free.
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// Writes the result of a command.
  ///
  /// - Throws: if standard output is closed, full, or nobody reads it any more.
  package static func writeToOutput(
    _ bytes: some Collection<UInt8>
  ) throws(StandardStreamError) {
    guard let code = write(Array(bytes), to: STDOUT_FILENO) else { return }
    throw StandardStreamError(
      description: "cannot write to standard output: \(StorageError.text(code))")
  }

  /// Writes a remark. Where it cannot be written there is nobody to tell.
  package static func writeToError(_ text: String) {
    _ = write(Array(text.utf8), to: STDERR_FILENO)
  }

  /// Writes to an open descriptor, and keeps trying while its reader is slow.
  ///
  /// - Returns: The number of the error that stopped it; nil if all was written.
  package static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    bytes.withUnsafeBytes { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let slice = UnsafeRawBufferPointer(rebasing: rest)
        let count = Foundation.write(descriptor, slice.baseAddress, slice.count)
        if count > 0 {
          rest = rest.dropFirst(count)
        } else if errno == EAGAIN || errno == EWOULDBLOCK {
          var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          _ = poll(&ready, 1, 1000)
        } else if errno != EINTR {
          return errno
        }
      }
      return nil
    }
  }
}
