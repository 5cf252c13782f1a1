// Logging as the environment configures it.

extension FabricLogging {
  /// The variables that configure logging.
  package enum Variable {
    /// The logging specification.
    package static let spec = "FABRIC_LOGGING_SPEC"
    /// The format of log lines.
    package static let format = "FABRIC_LOGGING_FORMAT"
  }

  /// The logging system that `FABRIC_LOGGING_SPEC` and `FABRIC_LOGGING_FORMAT` describe.
  ///
  /// Anything missing or empty gets its default. So does anything invalid, with a warning: an
  /// orderer that does not start because of its log settings helps nobody.
  package static func fromEnvironment(
    _ environment: [String: String], sink: any LogSink = FileDescriptorSink.standardError
  ) -> FabricLogging {
    var complaints: [String] = []
    var spec = LogSpec.info
    if let text = environment[Variable.spec], !text.isEmpty {
      do {
        spec = try LogSpec(text)
      } catch {
        complaints.append("\(Variable.spec): \(error); logging at \(spec) instead")
      }
    }
    var format = LogFormat.standard
    if let text = environment[Variable.format], !text.isEmpty {
      do {
        format = try LogFormat(text)
      } catch {
        complaints.append("\(Variable.format): \(error); using the default format instead")
      }
    }
    let logging = FabricLogging(spec: spec, format: format, sink: sink)
    let logger = logging.logger("flogging")
    for complaint in complaints { logger.warning("\(complaint)") }
    return logging
  }
}
