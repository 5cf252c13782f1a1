// swift-tools-version: 6.1
import PackageDescription

// The targets are the rooms of docs/architecture.md; a dependency is a door, and all doors lead one
// way. What a room may not know about, it cannot import.

let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "_CryptoExtras", package: "swift-crypto")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let metricsTestKit: Target.Dependency = .product(name: "MetricsTestKit", package: "swift-metrics")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let unixSignals: Target.Dependency = .product(
  name: "UnixSignals", package: "swift-service-lifecycle")
let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

// What `orderer version` tells; a change of commit recompiles one small C file.
let commit = Context.gitInformation.map { String($0.currentCommit.prefix(9)) } ?? "unknown"

var targets: [Target] = [
  .target(name: "FabricProtos", dependencies: [protobuf]),
  .target(name: "FabricCrypto", dependencies: [crypto, cryptoExtras, asn1]),
  .target(
    name: "Membership", dependencies: ["FabricProtos", "FabricCrypto", crypto, x509, asn1, yams]),
  .target(name: "Policies", dependencies: ["Membership"]),
  .target(name: "GoValues"),
  .target(name: "ChannelConfig", dependencies: ["GoValues", "Policies"]),
  .target(name: "GenesisProfiles", dependencies: ["ChannelConfig", "GoValues", yams]),
  .systemLibrary(name: "CLevelDB", providers: [.apt(["libleveldb-dev"])]),
  .target(
    name: "BlockLedger",
    dependencies: ["CLevelDB", "FabricProtos", "FabricCrypto", nioCore, nioPosix, logging]),
  .target(name: "Ordering", dependencies: ["ChannelConfig", "BlockLedger", logging, metrics]),
  .target(name: "SoloConsensus", dependencies: ["Ordering"]),
  .systemLibrary(name: "CRdKafka", providers: [.apt(["librdkafka-dev"])]),
  .target(name: "KafkaConsensus", dependencies: ["CRdKafka", "Ordering", logging, metrics]),
  .target(name: "ConfigTools", dependencies: ["Ordering"]),
  .target(name: "LedgerTools", dependencies: ["Ordering"]),
  .target(name: "MessageProcessing", dependencies: ["ChannelConfig", x509, logging]),
  .target(name: "Multichannel", dependencies: ["Ordering", "MessageProcessing", metrics]),
  .target(name: "AtomicBroadcast", dependencies: ["Multichannel", metrics]),
  .target(
    name: "GRPCTransport",
    dependencies: [nioCore, nioPosix, nioHTTP1, nioTLS, nioHTTP2, nioSSL, logging]),
  .target(
    name: "Operations", dependencies: [nioCore, nioPosix, nioHTTP1, nioSSL, logging, metrics]),
  .target(name: "OrdererConfiguration", dependencies: ["GoValues", yams]),
  .target(name: "FabricLogging", dependencies: [logging]),
  .target(
    name: "OrdererServer",
    dependencies: [
      "AtomicBroadcast", "SoloConsensus", "KafkaConsensus", "GenesisProfiles", "GRPCTransport",
      "Operations", "OrdererConfiguration", "FabricLogging", unixSignals, metrics,
    ]),
  .target(
    name: "CBuildInformation",
    cSettings: [.define("HEDDLE_COMMIT", to: "\"\(commit)\"")]),
  .executableTarget(
    name: "orderer",
    dependencies: [
      "OrdererServer", "ConfigTools", "LedgerTools", "CBuildInformation", argumentParser,
    ]),

  .executableTarget(
    name: "config-update-fuzzer", dependencies: ["ChannelConfig", argumentParser],
    path: "Sources/ConfigUpdateFuzzer"),
  .executableTarget(
    name: "config-update-benchmark", dependencies: ["ChannelConfig", x509, crypto, argumentParser],
    path: "Sources/ConfigUpdateBenchmark"),

  .testTarget(name: "FabricProtosTests", dependencies: ["FabricProtos"]),
  .testTarget(name: "FabricCryptoTests", dependencies: ["FabricCrypto"]),
  .testTarget(name: "MembershipTests", dependencies: ["Membership"]),
  .testTarget(name: "PoliciesTests", dependencies: ["Policies"]),
  .testTarget(name: "GoValuesTests", dependencies: ["GoValues"]),
  .testTarget(name: "ChannelConfigTests", dependencies: ["ChannelConfig"]),
  .testTarget(name: "GenesisProfilesTests", dependencies: ["GenesisProfiles"]),
  .testTarget(name: "BlockLedgerTests", dependencies: ["BlockLedger"]),
  .testTarget(name: "LedgerToolsTests", dependencies: ["LedgerTools"]),
  .testTarget(name: "OrderingTests", dependencies: ["Ordering", metricsTestKit]),
  .testTarget(name: "SoloConsensusTests", dependencies: ["SoloConsensus"]),
  .testTarget(name: "KafkaConsensusTests", dependencies: ["KafkaConsensus", metricsTestKit]),
  .testTarget(name: "ConfigToolsTests", dependencies: ["ConfigTools", "GenesisProfiles"]),
  .testTarget(
    name: "MessageProcessingTests", dependencies: ["MessageProcessing", "GenesisProfiles"]),
  .testTarget(
    name: "MultichannelTests",
    dependencies: ["Multichannel", "SoloConsensus", "GenesisProfiles", metricsTestKit]),
  .testTarget(
    name: "AtomicBroadcastTests",
    dependencies: ["AtomicBroadcast", "SoloConsensus", "GenesisProfiles", metricsTestKit]),
  .testTarget(name: "GRPCTransportTests", dependencies: ["GRPCTransport", nioEmbedded]),
  .testTarget(name: "OperationsTests", dependencies: ["Operations"]),
  .testTarget(name: "OrdererConfigurationTests", dependencies: ["OrdererConfiguration"]),
  .testTarget(name: "FabricLoggingTests", dependencies: ["FabricLogging"]),
  .testTarget(name: "OrdererServerTests", dependencies: ["OrdererServer", "KafkaConsensus"]),
]

// HEDDLE_ONLY=Target[,Target] keeps those targets and what they need, to work on one room at a time.
if let only = Context.environment["HEDDLE_ONLY"] {
  var keep = Set<String>()
  var queue = only.split(separator: ",").map(String.init)
  while let name = queue.popLast() {
    guard keep.insert(name).inserted, let target = targets.first(where: { $0.name == name }) else {
      continue
    }
    for dependency in target.dependencies {
      if case .byNameItem(let name, _) = dependency { queue.append(name) }
    }
  }
  targets = targets.filter { keep.contains($0.name) }
}

let package = Package(
  name: "heddle",
  products: targets.contains { $0.name == "orderer" }
    ? [.executable(name: "orderer", targets: ["orderer"])] : [],
  dependencies: [
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: targets,
  swiftLanguageModes: [.v6]
)
