// The configuration in force, for the log.

extension OrdererConfiguration {
  /// Every setting with its dotted key and its value as Fabric prints it: texts in quotation marks,
  /// numbers and durations plain, lists in brackets. Secrets are masked.
  package var effectiveSettings: [(key: String, value: String)] {
    var settings: [(key: String, value: String)] = []
    for setting in SettingTable.all {
      settings.append((setting.key, setting.render(self)))
      // What only plug-ins know follows the last setting of its section.
      guard setting.key == "Consensus.TickIntervalOverride" else { continue }
      for (key, text) in consensus.other.sorted(by: { $0.key < $1.key }) {
        settings.append(("Consensus.\(key)", text.rendered))
      }
    }
    return settings
  }

  /// One line for each setting: `General.ListenPort = 7050`.
  package var effectiveLines: [String] {
    effectiveSettings.map { $0.value.isEmpty ? "\($0.key) =" : "\($0.key) = \($0.value)" }
  }
}
