// Settings that are understood but that nothing in this version acts on.

import OrdererConfiguration

enum UnservedSettings {
  /// A sentence for each setting whose value asks for something that this version does not have.
  static func notices(_ configuration: OrdererConfiguration) -> [String] {
    let general = configuration.general
    let asked: [(key: String, isSet: Bool, missing: String)] = [
      ("General.Throttling.Rate", general.throttling.rate > 0, "throttling")
    ]
    return asked.filter(\.isSet).map {
      "\($0.key) is set, but this version does not have \($0.missing) yet: it has no effect"
    }
  }

  /// - Throws: ``StartupError`` for a setting that the node cannot just ignore: it would do
  ///   something else than asked.
  static func refuse(_ configuration: OrdererConfiguration) throws {
    guard configuration.general.bccsp.provider == .software else {
      throw StartupError(
        """
        General.BCCSP.Default is \(configuration.general.bccsp.provider.rawValue), but this version \
        only has keys in files: set it to SW
        """)
    }
  }
}
