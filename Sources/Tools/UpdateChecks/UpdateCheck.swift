// What an orderer would say to a config update, and what its nodes would do then.

import Blocks
import ChannelConfig
import FabricProtos
import Foundation
import Logging
import Membership
import MessageProcessing

/// Asks about an update all that the node asks, with the node's own code, and goes on after a refusal.
package struct UpdateCheck {
  private let bundle: ConfigBundle
  private let block: Block
  private let update: UpdateFile
  private let consensus: CheckedConsensus
  private let now: Date
  private let logger = Logger(label: "check-update") { _ in SwiftLogNoOpLogHandler() }

  /// - Parameters:
  ///   - block: The channel's newest config block.
  ///   - running: The consensus type that the orderers go on with if they were not restarted since the type changed;
  ///     nil: that of the configuration.
  ///   - down: `HOST:PORT` of consenters that are not up; all others count as active.
  /// - Throws: ``UpdateCheckError`` if the block is of another channel than the update, or holds no configuration.
  package init(
    _ update: UpdateFile, on block: Block, running: String? = nil, down: [String] = [], now: Date
  ) throws(UpdateCheckError) {
    guard let entry = block.data.first else {
      throw UpdateCheckError("block \(block.header.number) holds no message")
    }
    do { bundle = try ConfigBundle(configEnvelope: entry) } catch {
      throw UpdateCheckError(
        "block \(block.header.number) holds no configuration that can be used: \(error)")
    }
    guard bundle.channelID == update.channelID else {
      throw UpdateCheckError(
        """
        the update is for channel \(update.channelID), and the configuration is that of \
        \(bundle.channelID)
        """)
    }
    consensus = try CheckedConsensus(
      block, bundle, running: running, down: down, now: Int64(now.timeIntervalSince1970))
    self.block = block
    self.update = update
    self.now = now
  }

  package func run() -> UpdateReport {
    var report = UpdateReport(
      channel: bundle.channelID, block: block.header.number, sequence: bundle.sequence,
      submissionPolicy: bundle.writersPath)
    if update.isSubmitted {
      note(&report, .submission) { () throws(ProcessingError) in try checkSubmission() }
    }
    let preview: ConfigUpdatePreview
    do throws(ConfigError) { preview = try bundle.preview(envelope: update.envelope) } catch {
      let refusal = ProcessingError.badRequest(error.description)
      note(&report, .update) { () throws(ProcessingError) in throw refusal }
      return report
    }
    note(&report, .update) { () throws(ProcessingError) in }
    describe(preview, &report)
    note(&report, .signatures) { () throws(ProcessingError) in
      do throws(ConfigError) {
        _ = try bundle.proposeConfigUpdate(envelope: update.envelope)
      } catch { throw .badRequest(error.description) }
    }
    check(preview.proposed, &report)
    return report
  }

  /// Whoever hands the message in has to be allowed to write.
  private func checkSubmission() throws(ProcessingError) {
    let now = now
    let filters = MessageFilters(
      environment: ProcessingEnvironment(logger: logger, now: { now }, nonce: { [] }))
    try filters.check(try view(update.envelope, "the update's envelope"), bundle)
  }

  private func check(_ proposed: Common_ConfigEnvelope, _ report: inout UpdateReport) {
    let step: ConfigStep
    do throws(ProcessingError) { step = try ConfigStep(proposed, from: bundle) } catch {
      let refusal = error
      return note(&report, .configuration) { () throws(ProcessingError) in throw refusal }
    }
    note(&report, .configuration) { () throws(ProcessingError) in }
    note(&report, .consensusMetadata) { () throws(ProcessingError) in
      try step.checkConsensusMetadata(consensus)
    }
    note(&report, .maintenance) { () throws(ProcessingError) in try step.checkMaintenance(logger) }
    note(&report, .migration) { () throws(ProcessingError) in
      try step.checkMigration(consensus)
    }
    guard
      let forecast = ConsensusForecast(
        step, consensus, block: block, now: Int64(now.timeIntervalSince1970))
    else { return }
    report.consenters = forecast.consenters
    report.certificates = forecast.certificates
    report.effects = forecast.effects
  }

  private func describe(_ preview: ConfigUpdatePreview, _ report: inout UpdateReport) {
    report.changes = preview.changes.map {
      UpdateReport.Change(
        path: $0.path, element: $0.element.rawValue, change: $0.act.rawValue,
        policy: $0.policyPath, isAuthorized: $0.refusal == nil)
    }
    report.policies = Set(preview.changes.compactMap(\.policyPath)).sorted().map {
      PolicyStanding(
        $0, in: bundle.config.channelGroup, bundle.policyManager, signatures: preview.signatures)
    }
    report.signers = preview.signatures.map { signature in
      do throws(MembershipError) {
        let identity = try bundle.mspManager.validIdentity(serialized: signature.identity)
        let isValid = identity.verify(
          message: Array(signature.data.joined())[...], signature: signature.signature)
        return UpdateReport.Signer(
          msp: identity.mspID, identity: identity.summary,
          problem: isValid ? nil : "the signature is not one of this update")
      } catch {
        return UpdateReport.Signer(
          msp: Self.mspID(of: signature.identity), identity: "", problem: "\(error)")
      }
    }
  }

  private static func mspID(of identity: ArraySlice<UInt8>) -> String {
    (try? Msp_SerializedIdentity(serializedBytes: Array(identity)))?.mspid ?? ""
  }

  private func note(
    _ report: inout UpdateReport, _ name: UpdateReport.Check.Name,
    _ body: () throws(ProcessingError) -> Void
  ) {
    do {
      try body()
      report.checks.append(
        UpdateReport.Check(name: name, isPassed: true, status: nil, reason: nil))
    } catch {
      report.checks.append(
        UpdateReport.Check(
          name: name, isPassed: false, status: error.status.name, reason: error.reason))
    }
  }
}
