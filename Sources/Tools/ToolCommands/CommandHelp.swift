// What commands share: their help, how they tell why they failed, where their results go.

import ArgumentParser
import Foundation
import Storage

/// A command that provides the text of its help below the first line.
package protocol DescribedCommand {
  /// What follows `usage: orderer ` and the flags, one paragraph each.
  static var help: String { get }
  /// The exit status for a command line that makes no sense.
  static var usageStatus: Int32 { get }
}

extension DescribedCommand {
  /// As for the commands that Fabric's orderer has too.
  package static var usageStatus: Int32 { 1 }
}

/// Runs a command and tells on standard error why it failed.
func carryOut(_ command: String, _ body: () throws -> Void) throws {
  do { try body() } catch { throw told(error, by: command) }
}

/// As the synchronous one.
func carryOut(_ command: String, _ body: () async throws -> Void) async throws {
  do { try await body() } catch { throw told(error, by: command) }
}

/// What a command ends with: the exit code that it has thrown, or failure, once the error is told.
private func told(_ error: any Error, by command: String) -> ExitCode {
  if let code = error as? ExitCode { return code }
  StandardStreams.writeToError("orderer \(command): error: \(error)\n")
  return .failure
}

/// Writes the result of a command to a file, replacing the one that is there; `-` stands for standard output.
func writeResult(_ bytes: [UInt8], to path: String) throws {
  guard path != "-" else { return try StandardStreams.writeToOutput(bytes) }
  do {
    // Whole or not at all: an orderer must not find half a block.
    try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
  } catch {
    throw OutputError(path: path, reason: error.localizedDescription)
  }
}

private struct OutputError: Error, CustomStringConvertible {
  let path: String
  let reason: String
  var description: String { "\(path) cannot be written: \(reason)" }
}
