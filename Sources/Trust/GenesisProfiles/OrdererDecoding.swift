// Reads the Orderer section of a profile and applies the defaults of the consenters.

import ChannelConfig
import FabricProtos
import GoText
import YAMLSettings

extension Profile.Orderer {
  init(_ setting: YAMLSetting, dialect: ConfigtxDialect) throws(SettingProblem) {
    let fields = try setting.fields([
      "OrdererType", "Addresses", "BatchTimeout", "BatchSize", "Kafka", "EtcdRaft", "SmartBFT",
      "ConsenterMapping", "Organizations", "MaxChannels", "Capabilities", "Policies",
    ])
    let timeout = try fields["BatchTimeout"].duration()
    self.init(
      type: try Self.type(fields, dialect: dialect),
      addresses: try Self.list(
        fields["Addresses"], default: dialect == .fabric1 ? ["127.0.0.1:7050"] : [], dialect),
      batchTimeout: timeout.nanoseconds == 0 ? GoDuration(nanoseconds: 2_000_000_000) : timeout,
      batchSize: try Self.batchSize(fields["BatchSize"]),
      organizations: try Profile.Organization.list(fields["Organizations"]),
      maxChannels: try fields["MaxChannels"].number(),
      capabilities: try Profile.capabilities(fields["Capabilities"]),
      policies: try Profile.PolicyRule.list(fields["Policies"]), place: Profile.Place(setting))
  }

  private static func batchSize(_ setting: YAMLSetting) throws(SettingProblem) -> Profile.BatchSize
  {
    let fields = try setting.fields(["MaxMessageCount", "AbsoluteMaxBytes", "PreferredMaxBytes"])
    let size = Profile.BatchSize(
      maxMessageCount: try nonZero(fields["MaxMessageCount"], default: 500),
      absoluteMaxBytes: try nonZero(fields["AbsoluteMaxBytes"], default: 10 << 20),
      preferredMaxBytes: try nonZero(fields["PreferredMaxBytes"], default: 2 << 20))
    guard size.preferredMaxBytes <= size.absoluteMaxBytes else {
      throw fields["PreferredMaxBytes"].problem(
        .invalidValue, value: "\(size.preferredMaxBytes)",
        "must not be larger than AbsoluteMaxBytes, which is \(size.absoluteMaxBytes);"
          + " no orderer would accept it")
    }
    return size
  }

  private static func nonZero(
    _ setting: YAMLSetting, default value: UInt32
  ) throws(SettingProblem) -> UInt32 {
    let size = try setting.byteSize()
    return size == 0 ? value : size
  }

  /// A list or its default, which in 1.4 also takes the place of an empty list.
  private static func list(
    _ setting: YAMLSetting, default value: [String], _ dialect: ConfigtxDialect
  ) throws(SettingProblem) -> [String] {
    guard let list = try setting.strings() else { return value }
    return list.isEmpty && dialect == .fabric1 ? value : list
  }

  // MARK: Consenters

  private static func type(
    _ fields: SettingFields, dialect: ConfigtxDialect
  ) throws(SettingProblem) -> Profile.OrdererType {
    let name = try fields["OrdererType"].string() ?? ""
    switch (name, dialect) {
    case ("", _), ("solo", _): return .solo
    case ("kafka", .fabric1), ("kafka", .fabric2):
      let brokers = try fields["Kafka"].fields(["Brokers"])["Brokers"]
      return .kafka(brokers: try list(brokers, default: ["127.0.0.1:9092"], dialect))
    case ("etcdraft", _): return try etcdraft(fields["EtcdRaft"], dialect: dialect)
    case ("BFT", .fabric3): return try bft(fields)
    default:
      let types = dialect.ordererTypes.joined(separator: ", ")
      let hint =
        switch name {
        case "BFT": "; BFT needs the channel capability V3_0"
        case "kafka": "; Kafka was removed with the channel capability V3_0"
        default: ""
        }
      throw fields["OrdererType"].problem(
        .invalidValue, value: name, "unknown orderer type; known here: \(types)\(hint)")
    }
  }

  private static func etcdraft(
    _ setting: YAMLSetting, dialect: ConfigtxDialect
  ) throws(SettingProblem) -> Profile.OrdererType {
    guard setting.isPresent else {
      throw setting.problem(
        .missingSetting, "orderer type etcdraft needs this section with its consenters")
    }
    let fields = try setting.fields(["Consenters", "Options"])
    let optionFields = try fields["Options"].fields([
      "TickInterval", "ElectionTick", "HeartbeatTick", "MaxInflightBlocks", "SnapshotIntervalSize",
    ])
    var options = Etcdraft_Options()
    options.tickInterval = try optionFields["TickInterval"].string() ?? ""
    if options.tickInterval.isEmpty { options.tickInterval = "500ms" }
    options.electionTick = try nonZero(optionFields["ElectionTick"], default: 10)
    options.heartbeatTick = try nonZero(optionFields["HeartbeatTick"], default: 1)
    options.maxInflightBlocks = try nonZero(optionFields["MaxInflightBlocks"], default: 5)
    options.snapshotIntervalSize = try nonZero(
      optionFields["SnapshotIntervalSize"], default: dialect == .fabric1 ? 20 << 20 : 16 << 20)
    if try optionFields["TickInterval"].duration().nanoseconds == 0, options.tickInterval != "500ms"
    {
      throw optionFields["TickInterval"].problem(
        .invalidValue, value: options.tickInterval, "must be longer than zero")
    }
    guard options.electionTick > options.heartbeatTick else {
      throw optionFields["ElectionTick"].problem(
        .invalidValue, value: "\(options.electionTick)",
        "must be greater than HeartbeatTick, which is \(options.heartbeatTick)")
    }

    var consenters: [Profile.RaftConsenter] = []
    for element in try fields["Consenters"].elements() ?? [] {
      let consenter = try element.fields(["Host", "Port", "ClientTLSCert", "ServerTLSCert"])
      consenters.append(
        Profile.RaftConsenter(
          host: try consenter["Host"].requiredString("a consenter needs a host"),
          port: try consenter["Port"].port(),
          clientTLSCertificate: try path(consenter["ClientTLSCert"]),
          serverTLSCertificate: try path(consenter["ServerTLSCert"]),
          place: Profile.Place(element)))
    }
    guard !consenters.isEmpty else {
      throw fields["Consenters"].problem(
        .missingSetting, "orderer type etcdraft needs at least one consenter")
    }
    return .etcdraft(consenters: consenters, options: options)
  }

  private static func bft(_ fields: SettingFields) throws(SettingProblem) -> Profile.OrdererType {
    var consenters: [Profile.BFTConsenter] = []
    for element in try fields["ConsenterMapping"].elements() ?? [] {
      let consenter = try element.fields([
        "ID", "Host", "Port", "MSPID", "Identity", "ClientTLSCert", "ServerTLSCert",
      ])
      consenters.append(
        Profile.BFTConsenter(
          id: try consenter["ID"].byteSize(),
          host: try consenter["Host"].requiredString("a consenter needs a host"),
          port: try consenter["Port"].port(),
          mspID: try consenter["MSPID"].requiredString("a consenter needs the ID of its MSP"),
          identity: try path(consenter["Identity"]),
          clientTLSCertificate: try path(consenter["ClientTLSCert"]),
          serverTLSCertificate: try path(consenter["ServerTLSCert"]),
          place: Profile.Place(element)))
    }
    guard !consenters.isEmpty else {
      throw fields["ConsenterMapping"].problem(
        .missingSetting, "orderer type BFT needs at least one consenter")
    }
    let setting = fields["SmartBFT"]
    return .bft(
      consenters: consenters,
      options: setting.isPresent ? try SmartBFTOptions.read(setting) : SmartBFTOptions.defaults)
  }

  private static func path(_ setting: YAMLSetting) throws(SettingProblem) -> String {
    setting.path(try setting.requiredString("a consenter needs the path of this certificate file"))
  }
}
