// The parameters of the BFT consenter as they appear in configtx.yaml.

import FabricProtos
import YAMLSettings

enum SmartBFTOptions {
  /// What applies if a profile has no SmartBFT section (Fabric 3.x: `genesisDefaults`). Within a
  /// section there are no defaults.
  static var defaults: Orderer_Smartbft_Options {
    var options = Orderer_Smartbft_Options()
    options.requestBatchMaxCount = 100
    options.requestBatchMaxBytes = 10 << 20
    options.requestBatchMaxInterval = "50ms"
    options.incomingMessageBufferSize = 200
    options.requestPoolSize = 400
    options.requestForwardTimeout = "2s"
    options.requestComplainTimeout = "20s"
    options.requestAutoRemoveTimeout = "3m0s"
    options.viewChangeResendInterval = "5s"
    options.viewChangeTimeout = "20s"
    options.leaderHeartbeatTimeout = "1m0s"
    options.leaderHeartbeatCount = 10
    options.collectTimeout = "1s"
    return options
  }

  static func read(_ setting: YAMLSetting) throws(SettingProblem) -> Orderer_Smartbft_Options {
    let fields = try setting.fields([
      "RequestBatchMaxCount", "RequestBatchMaxBytes", "RequestBatchMaxInterval",
      "IncomingMessageBufferSize", "RequestPoolSize", "RequestForwardTimeout",
      "RequestComplainTimeout", "RequestAutoRemoveTimeout", "RequestMaxBytes",
      "ViewChangeResendInterval", "ViewChangeTimeout", "LeaderHeartbeatTimeout",
      "LeaderHeartbeatCount", "CollectTimeout", "SyncOnStart", "SpeedUpViewChange",
      "LeaderRotation", "DecisionsPerLeader",
    ])
    var options = Orderer_Smartbft_Options()
    options.requestBatchMaxCount = try fields["RequestBatchMaxCount"].number()
    options.requestBatchMaxBytes = try fields["RequestBatchMaxBytes"].number()
    options.requestBatchMaxInterval = try interval(fields["RequestBatchMaxInterval"])
    options.incomingMessageBufferSize = try fields["IncomingMessageBufferSize"].number()
    options.requestPoolSize = try fields["RequestPoolSize"].number()
    options.requestForwardTimeout = try interval(fields["RequestForwardTimeout"])
    options.requestComplainTimeout = try interval(fields["RequestComplainTimeout"])
    options.requestAutoRemoveTimeout = try interval(fields["RequestAutoRemoveTimeout"])
    options.requestMaxBytes = try fields["RequestMaxBytes"].number()
    options.viewChangeResendInterval = try interval(fields["ViewChangeResendInterval"])
    options.viewChangeTimeout = try interval(fields["ViewChangeTimeout"])
    options.leaderHeartbeatTimeout = try interval(fields["LeaderHeartbeatTimeout"])
    options.leaderHeartbeatCount = try fields["LeaderHeartbeatCount"].number()
    options.collectTimeout = try interval(fields["CollectTimeout"])
    options.syncOnStart = try fields["SyncOnStart"].bool()
    options.speedUpViewChange = try fields["SpeedUpViewChange"].bool()
    options.leaderRotation = try rotation(fields["LeaderRotation"])
    options.decisionsPerLeader = try fields["DecisionsPerLeader"].number()
    return options
  }

  /// The text as it stands, since it becomes part of the block, but only if it is a duration.
  private static func interval(_ setting: YAMLSetting) throws(SettingProblem) -> String {
    _ = try setting.duration()
    return try setting.string() ?? ""
  }

  private static func rotation(
    _ setting: YAMLSetting
  ) throws(SettingProblem) -> Orderer_Smartbft_Options.Rotation {
    switch try setting.string() ?? "" {
    case "", "0", "ROTATION_UNSPECIFIED": return .unspecified
    case "1", "ROTATION_OFF": return .off
    case "2", "ROTATION_ON": return .on
    default:
      throw setting.problem(
        .invalidValue, value: try setting.string(), "must be ROTATION_OFF or ROTATION_ON")
    }
  }
}
