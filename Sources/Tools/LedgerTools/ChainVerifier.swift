// Checks all blocks of a channel: numbers, hash chain, data hashes, signatures, config pointers.

import BlockLedger
import Blocks
import ChannelConfig
import FabricCrypto
import FabricProtos

/// The result of verifying a channel's ledger.
package struct VerificationReport: Sendable, Encodable {
  /// Something that is wrong, and where.
  package struct Problem: Sendable, Encodable, Equatable {
    package var block: UInt64?
    package var file: String
    /// Where the block's record begins, in bytes.
    package var offset: Int64
    package var message: String
  }

  package let channel: String
  /// Blocks that were read; the height of a sound ledger.
  package internal(set) var blocks: UInt64 = 0
  package internal(set) var transactions: UInt64 = 0
  package internal(set) var bytes: Int64 = 0
  package internal(set) var configBlocks = 0
  /// Blocks whose signatures satisfied the policy in force.
  package internal(set) var validSignatures: UInt64 = 0
  /// Blocks whose signatures could not be judged, e.g. because no configuration is known.
  package internal(set) var uncheckedSignatures: UInt64 = 0
  /// Bytes at the end of the newest file that are not a whole block: one that is being written, or that a
  /// crash cut short. Not a problem: a node removes them when it starts.
  package internal(set) var incompleteTailBytes: Int64 = 0
  /// The first problems that were found.
  package internal(set) var problems: [Problem] = []
  /// All problems that were found.
  package internal(set) var problemCount = 0
  /// Hash of the last block's header, in hexadecimal.
  package internal(set) var lastBlockHash = ""

  /// Whether nothing is wrong.
  package var isSound: Bool { problemCount == 0 }
}

/// Verifies one channel.
///
/// The blocks are read once, in order; data hashes and signatures are checked on all cores.
package struct ChainVerifier: Sendable {
  /// Problems that are kept for the report.
  package static let maximumProblems = 100
  /// Blocks, and bytes of them, that are checked together.
  private static let chunkCount = 512
  private static let chunkBytes = 16 << 20

  /// How far a verification has come.
  package struct Progress: Sendable {
    package var blocks: UInt64
    package var bytes: Int64
    package var totalBytes: Int64
  }

  private let chain: StoredChain
  private let workers: Int
  private let checksSignatures: Bool

  /// - Parameters:
  ///   - workers: Tasks that check blocks at the same time.
  ///   - checksSignatures: Whether signatures are checked, which takes most of the time.
  package init(_ chain: StoredChain, workers: Int, checksSignatures: Bool = true) {
    self.chain = chain
    self.workers = max(1, workers)
    self.checksSignatures = checksSignatures
  }

  /// A block and what it has to be checked against.
  private struct Task: Sendable {
    let stored: StoredBlock
    /// The configuration in force before the block; nil if none is known.
    let bundle: ConfigBundle?
  }

  private struct State {
    var report: VerificationReport
    var next: UInt64 = 0
    var previousHash: [UInt8] = []
    /// Set after what could not be read: the next block cannot be linked to one before it.
    var isUnlinked = false
    var bundle: ConfigBundle?
    var lastConfigBlock: UInt64 = 0
    var tasks: [Task] = []
    var taskBytes = 0
  }

  /// Reads and checks everything.
  ///
  /// - Throws: `LedgerError` if a file cannot be read at all; what `progress` throws.
  package func run(
    progress: (Progress) throws -> Void = { _ in }
  ) async throws -> VerificationReport {
    var state = State(report: VerificationReport(channel: chain.channelID))
    try await chain.walk { item in
      switch item {
      case .block(let stored):
        link(stored, &state)
        if state.taskBytes >= Self.chunkBytes || state.tasks.count >= Self.chunkCount {
          await check(&state)
          try progress(
            Progress(
              blocks: state.report.blocks, bytes: state.report.bytes, totalBytes: chain.size))
        }
      case .incomplete(_, _, let bytes):
        state.report.incompleteTailBytes = bytes
      case .unreadable(let file, let offset, let reason):
        report(
          &state.report, block: state.next, file, offset, "the block is not readable: \(reason)")
        state.isUnlinked = true
      }
      return true
    }
    await check(&state)
    try progress(
      Progress(blocks: state.report.blocks, bytes: chain.size, totalBytes: chain.size))
    state.report.lastBlockHash = hexadecimal(state.previousHash)
    return state.report
  }

  /// The checks that need the blocks one after the other.
  private func link(_ stored: StoredBlock, _ state: inout State) {
    let header = stored.header
    func problem(_ message: String) {
      report(&state.report, block: header.number, stored.file, stored.offset, message)
    }
    if header.number != state.next, !state.isUnlinked {
      problem("the block's number is \(header.number), but \(state.next) was expected")
    } else if header.previousHash != state.previousHash, !state.isUnlinked {
      problem(
        "the block's previous hash is [\(hexadecimal(header.previousHash))], but the header before "
          + "it has the hash [\(hexadecimal(state.previousHash))]")
    }
    state.isUnlinked = false
    state.next = header.number &+ 1
    state.previousHash = stored.headerHash
    state.report.blocks += 1
    state.report.transactions += UInt64(stored.entryCount)
    state.report.bytes += Int64(stored.storedBytes)
    state.tasks.append(Task(stored: stored, bundle: state.bundle))
    state.taskBytes += stored.storedBytes
    guard stored.entryCount == 1 else { return checkConfigPointer(stored, &state) }
    let block = stored.block
    if let envelope = block.configEnvelope {
      state.report.configBlocks += 1
      state.lastConfigBlock = header.number
      do {
        let bundle = try ConfigBundle(configEnvelope: envelope.bytes)
        if bundle.channelID != chain.channelID {
          problem("the block holds the configuration of channel \(bundle.channelID)")
        }
        state.bundle = bundle
      } catch {
        problem("the configuration in the block is not usable: \(error)")
      }
    } else if header.number == 0 {
      problem("the first block holds no configuration")
    }
    checkConfigPointer(stored, &state)
  }

  /// Each block says which one the newest configuration is in.
  private func checkConfigPointer(_ stored: StoredBlock, _ state: inout State) {
    let number = stored.header.number
    guard number > 0 else { return }
    do {
      let index = try stored.block.lastConfigIndex(channelID: chain.channelID)
      guard index != state.lastConfigBlock else { return }
      report(
        &state.report, block: number, stored.file, stored.offset,
        "the block says that the configuration is in block \(index), but it is in block "
          + "\(state.lastConfigBlock)")
    } catch {
      report(&state.report, block: number, stored.file, stored.offset, "\(error)")
    }
  }

  private struct Finding: Sendable {
    let index: Int
    let hasValidDataHash: Bool
    let signatures: BlockVerifier.Outcome?
  }

  /// The checks that can be done for each block by itself.
  private func check(_ state: inout State) async {
    let tasks = state.tasks
    state.tasks = []
    state.taskBytes = 0
    guard !tasks.isEmpty else { return }
    let share = (tasks.count + workers - 1) / workers
    let findings = await withTaskGroup(of: [Finding].self) { group in
      for begin in stride(from: 0, to: tasks.count, by: share) {
        group.addTask {
          (begin..<min(begin + share, tasks.count)).map { index in
            examine(tasks[index], index)
          }
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    for finding in findings.sorted(by: { $0.index < $1.index }) {
      note(finding, of: tasks[finding.index].stored, in: &state.report)
    }
  }

  private func examine(_ task: Task, _ index: Int) -> Finding {
    var outcome: BlockVerifier.Outcome?
    // A genesis block is not signed: it is what one trusts.
    if checksSignatures, task.stored.header.number > 0, let bundle = task.bundle {
      outcome = BlockVerifier.checkSignatures(of: task.stored.block, against: bundle)
    }
    return Finding(
      index: index, hasValidDataHash: task.stored.hasValidDataHash, signatures: outcome)
  }

  private func note(
    _ finding: Finding, of stored: StoredBlock, in report: inout VerificationReport
  ) {
    let number = stored.header.number
    if !finding.hasValidDataHash {
      self.report(
        &report, block: number, stored.file, stored.offset,
        "the block's data does not match its data hash")
    }
    switch finding.signatures {
    case .valid: report.validSignatures += 1
    case nil: if number > 0 { report.uncheckedSignatures += 1 }
    case .unsigned:
      self.report(&report, block: number, stored.file, stored.offset, "the block is not signed")
    case .invalid(let reason):
      self.report(
        &report, block: number, stored.file, stored.offset,
        "the block's signatures do not satisfy the policy in force: \(reason)")
    }
  }

  private func report(
    _ report: inout VerificationReport, block: UInt64?, _ file: String, _ offset: Int64,
    _ message: String
  ) {
    report.problemCount += 1
    guard report.problems.count < Self.maximumProblems else { return }
    report.problems.append(
      VerificationReport.Problem(block: block, file: file, offset: offset, message: message))
  }
}
