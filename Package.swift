// swift-tools-version: 6.1
import PackageDescription

// The rooms of docs/architecture.md, storey by storey. What a room imports stands here, and what stands
// here it imports: scripts/check_imports.py holds that, since SwiftPM does not.

let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "_CryptoExtras", package: "swift-crypto")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let metricsTestKit: Target.Dependency = .product(name: "MetricsTestKit", package: "swift-metrics")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let unixSignals: Target.Dependency = .product(
  name: "UnixSignals", package: "swift-service-lifecycle")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

// What `orderer version` tells; a change of commit recompiles one small C file.
let commit = Context.gitInformation.map { String($0.currentCommit.prefix(9)) } ?? "unknown"

// The storeys of the house, each a folder of `Sources` and of `Tests`. A room may know rooms of its own
// storey and of those before it.
enum Storey: String {
  case foundations = "Foundations"
  case transport = "Transport"
  case trust = "Trust"
  case ledger = "Ledger"
  case consensus = "Consensus"
  case node = "Node"
  case tools = "Tools"
}

/// A room and its tests. `doors` are the modules that its files import, no more and no less; `tests` the
/// same for its tests, which always know the room itself.
func room(
  _ storey: Storey, _ name: String, _ doors: [Target.Dependency], tests: [Target.Dependency]? = nil,
  settings: [SwiftSetting] = []
) -> [Target] {
  let room = Target.target(
    name: name, dependencies: doors, path: "Sources/\(storey.rawValue)/\(name)",
    swiftSettings: settings)
  guard let tests else { return [room] }
  let itself = Target.Dependency(stringLiteral: name)
  return [
    room,
    .testTarget(
      name: "\(name)Tests", dependencies: [itself] + tests,
      path: "Tests/\(storey.rawValue)/\(name)Tests"),
  ]
}

/// For a room of arithmetic alone, which is hundreds of times slower without: debug builds optimize it too.
let alwaysOptimized: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// What several rooms' tests share.
func support(_ name: String, _ doors: [Target.Dependency]) -> [Target] {
  [.target(name: name, dependencies: doors, path: "Tests/Support/\(name)")]
}

/// An executable beside the node.
func tool(_ name: String, _ folder: String, _ doors: [Target.Dependency]) -> [Target] {
  [.executableTarget(name: name, dependencies: doors, path: "Sources/Tools/\(folder)")]
}

let rooms: [[Target]] = [
  // Foundations
  room(
    .foundations, "FabricProtos", [protobuf],
    tests: []),
  room(
    .foundations, "GoText", [],
    tests: []),
  room(
    .foundations, "Concurrency", [],
    tests: []),
  room(
    .foundations, "Storage", [nioPosix],
    tests: ["TestSupport"]),
  room(
    .foundations, "YAMLSettings", ["GoText", "Storage", yams],
    tests: ["GoText", "Storage", "TestSupport"]),
  room(
    .foundations, "P256Tables", [],
    tests: ["TestSupport", crypto], settings: alwaysOptimized),
  room(
    .foundations, "FabricCrypto", ["P256Tables", crypto, asn1],
    tests: ["TestSupport", crypto, cryptoExtras]),
  room(
    .foundations, "FabricLogging", ["GoText", "Storage", logging],
    tests: ["GoText", logging]),
  room(
    .foundations, "MetricDescriptions", [metrics],
    tests: [metrics, metricsTestKit]),
  [.target(name: "CCRC32C", path: "Sources/Foundations/CCRC32C")],
  // Transport
  room(
    .transport, "Sockets", ["Concurrency", logging, nioCore, nioPosix],
    tests: ["Concurrency", "TestSupport", nioCore, nioPosix, nioEmbedded]),
  room(
    .transport, "GRPCTransport",
    [
      "FabricProtos", "Concurrency", "Sockets", logging, nioCore, nioPosix, nioTLS, nioHTTP2,
      nioHPACK, nioSSL, crypto,
    ],
    tests: [
      "Concurrency", "Sockets", "TestSupport", nioCore, nioPosix, nioEmbedded, nioHTTP2, nioHPACK,
      nioSSL,
    ]),
  room(
    .transport, "HTTPTransport",
    ["GoText", "Concurrency", "Sockets", logging, nioCore, nioPosix, nioHTTP1, nioSSL],
    tests: [
      "GoText", "Concurrency", "TestSupport", "HTTPTestClient", logging, nioCore, nioEmbedded,
      nioSSL,
    ]),
  // Trust
  room(
    .trust, "Membership",
    [
      "FabricProtos", "GoText", "Storage", "YAMLSettings", "FabricCrypto", crypto, cryptoExtras,
      x509, asn1,
    ],
    tests: [
      "FabricProtos", "FabricCrypto", "TestSupport", protobuf, crypto, cryptoExtras, x509, asn1,
    ]),
  room(
    .trust, "Policies", ["FabricProtos", "Membership", protobuf],
    tests: ["FabricProtos", "FabricCrypto", "Membership", "TestSupport"]),
  room(
    .trust, "ChannelConfig", ["FabricProtos", "GoText", "Membership", "Policies", protobuf],
    tests: ["FabricProtos", "FabricCrypto", "Membership", "Policies", "TestSupport", protobuf]),
  room(
    .trust, "GenesisProfiles",
    [
      "FabricProtos", "GoText", "Storage", "YAMLSettings", "FabricCrypto", "Membership", "Policies",
      "ChannelConfig", protobuf,
    ],
    tests: ["FabricProtos", "Membership", "Policies", "ChannelConfig", "TestSupport"]),
  // Ledger
  [
    .systemLibrary(
      name: "CLevelDB", path: "Sources/Ledger/CLevelDB", providers: [.apt(["libleveldb-dev"])])
  ],
  room(
    .ledger, "BlockLedger",
    ["FabricProtos", "Storage", "FabricCrypto", "CLevelDB", logging, nioCore],
    tests: ["FabricProtos", "Storage", "FabricCrypto", "TestSupport", protobuf, logging, nioCore]),
  room(
    .ledger, "Blocks",
    ["FabricProtos", "FabricCrypto", "Membership", "Policies", "ChannelConfig", "BlockLedger"],
    tests: [
      "FabricProtos", "FabricCrypto", "Membership", "ChannelConfig", "BlockLedger", "TestSupport",
      logging,
    ]),
  // Consensus
  room(
    .consensus, "Ordering",
    [
      "FabricProtos", "Concurrency", "FabricCrypto", "MetricDescriptions", "Membership",
      "ChannelConfig", "BlockLedger", "Blocks", logging, metrics,
    ],
    tests: [
      "FabricProtos", "Concurrency", "Storage", "FabricCrypto", "Membership", "BlockLedger",
      "Blocks", "TestSupport", logging, metrics, metricsTestKit, nioCore,
    ]),
  room(
    .consensus, "Replication",
    [
      "FabricProtos", "Concurrency", "FabricCrypto", "Membership", "ChannelConfig", "BlockLedger",
      "Blocks", "Ordering", protobuf, logging,
    ],
    tests: [
      "FabricProtos", "Concurrency", "FabricCrypto", "ChannelConfig", "BlockLedger",
      "Blocks", "Ordering", "TestSupport", "ProcessingFixtures", "ReplicationFixtures",
    ]),
  room(
    .consensus, "Followers",
    [
      "FabricProtos", "Concurrency", "MetricDescriptions", "Membership", "ChannelConfig",
      "BlockLedger", "Blocks", "Ordering", "Replication", logging, metrics,
    ],
    tests: [
      "FabricProtos", "Concurrency", "ChannelConfig", "BlockLedger", "Blocks", "Ordering",
      "TestSupport", "ProcessingFixtures", "ReplicationFixtures", logging, metrics,
    ]),
  room(
    .consensus, "SoloConsensus",
    ["FabricProtos", "Concurrency", "ChannelConfig", "Ordering", logging],
    tests: ["FabricProtos", "Concurrency", "ChannelConfig", "Ordering", "TestSupport", logging]),
  [
    .systemLibrary(
      name: "CRdKafka", path: "Sources/Consensus/CRdKafka", providers: [.apt(["librdkafka-dev"])])
  ],
  [
    .target(
      name: "KafkaMockCluster", dependencies: ["CRdKafka"],
      path: "Tests/Consensus/KafkaMockCluster")
  ],
  room(
    .consensus, "KafkaClient",
    [
      "Concurrency", "FabricCrypto", "MetricDescriptions", "CRdKafka", x509, asn1, logging, metrics,
    ],
    tests: [
      "Concurrency", "FabricCrypto", "CRdKafka", "KafkaMockCluster", "TestSupport", logging,
      coreMetrics, metricsTestKit,
    ]),
  room(
    .consensus, "KafkaConsensus",
    [
      "FabricProtos", "Concurrency", "MetricDescriptions", "ChannelConfig", "Blocks", "Ordering",
      "KafkaClient", logging, metrics,
    ],
    tests: [
      "FabricProtos", "Concurrency", "ChannelConfig", "BlockLedger", "Blocks", "Ordering",
      "KafkaMockCluster", "KafkaClient", "TestSupport", logging, metrics, metricsTestKit,
    ]),
  room(
    .consensus, "RaftCore", [],
    tests: ["TestSupport"]),
  room(
    .consensus, "RaftWire", ["FabricProtos", "RaftCore"],
    tests: ["RaftCore", "TestSupport"]),
  room(
    .consensus, "RaftLog",
    ["FabricProtos", "Storage", "CCRC32C", "RaftCore", "RaftWire", logging],
    tests: ["Storage", "CCRC32C", "RaftCore", "RaftWire", "TestSupport", logging]),
  room(
    .consensus, "RaftConsensus",
    [
      "FabricProtos", "GoText", "Concurrency", "Storage", "FabricCrypto", "MetricDescriptions",
      "Membership", "ChannelConfig", "BlockLedger", "Blocks", "Ordering", "RaftCore", "RaftWire",
      "RaftLog", logging, metrics,
    ],
    tests: [
      "FabricProtos", "Concurrency", "Storage", "Membership", "ChannelConfig", "BlockLedger",
      "Blocks", "Ordering", "RaftCore", "RaftWire", "RaftLog", "TestSupport",
      "ProcessingFixtures", logging, metrics,
    ]),
  room(
    .consensus, "Cluster",
    [
      "FabricProtos", "GoText", "Concurrency", "MetricDescriptions", "GRPCTransport", "Membership",
      "Blocks", "Ordering", logging, metrics, nioCore,
    ],
    tests: [
      "FabricProtos", "Concurrency", "FabricCrypto", "GRPCTransport", "Membership", "Ordering",
      "TestSupport", logging, metricsTestKit, nioCore,
    ]),
  room(
    .consensus, "RaftSimulation", ["RaftCore"],
    tests: ["RaftCore", "TestSupport"]),
  // Node
  room(
    .node, "MessageProcessing",
    [
      "FabricProtos", "GoText", "FabricCrypto", "Membership", "Policies", "ChannelConfig", "Blocks",
      protobuf, x509, logging,
    ],
    tests: [
      "FabricProtos", "Membership", "ChannelConfig", "TestSupport", "ProcessingFixtures", protobuf,
    ]),
  room(
    .node, "SystemChannel",
    ["FabricProtos", "GoText", "ChannelConfig", "MessageProcessing", logging],
    tests: ["FabricProtos", "ChannelConfig", "MessageProcessing", "ProcessingFixtures", protobuf]),
  room(
    .node, "Multichannel",
    [
      "FabricProtos", "Concurrency", "FabricCrypto", "Membership", "ChannelConfig", "BlockLedger",
      "Blocks", "Ordering", "Replication", "Followers", "MessageProcessing", "SystemChannel",
      logging, metrics, nioCore,
    ],
    tests: [
      "FabricProtos", "Concurrency", "FabricCrypto", "Membership", "ChannelConfig", "BlockLedger",
      "Blocks", "Ordering", "SoloConsensus", "Replication", "MessageProcessing", "TestSupport",
      "ProcessingFixtures", "ReplicationFixtures", protobuf, logging, metrics, metricsTestKit,
    ]),
  room(
    .node, "AtomicBroadcast",
    [
      "FabricProtos", "GoText", "Concurrency", "MetricDescriptions", "Membership", "Policies",
      "ChannelConfig", "Blocks", "Ordering", "MessageProcessing", "Multichannel", logging, metrics,
      nioCore,
    ],
    tests: [
      "FabricProtos", "Concurrency", "FabricCrypto", "Membership", "ChannelConfig", "BlockLedger",
      "Ordering", "SoloConsensus", "MessageProcessing", "Multichannel", "TestSupport",
      "ReplicationFixtures", protobuf, logging, metrics, metricsTestKit, nioCore,
    ]),
  room(
    .node, "ChannelParticipation",
    [
      "FabricProtos", "GoText", "HTTPTransport", "ChannelConfig", "Ordering", "Multichannel",
      logging, nioCore,
    ],
    tests: [
      "FabricProtos", "HTTPTransport", "Ordering", "Multichannel", "TestSupport",
      "ProcessingFixtures", logging, nioCore,
    ]),
  room(
    .node, "NodeMetrics",
    [
      "GoText", "Concurrency", "Storage", "MetricDescriptions", "Sockets", logging, metrics,
      nioCore, nioPosix,
    ],
    tests: [
      "Concurrency", "MetricDescriptions", "TestSupport", logging, metrics, nioCore, nioPosix,
    ]),
  room(
    .node, "Operations",
    [
      "GoText", "Concurrency", "MetricDescriptions", "HTTPTransport", "NodeMetrics", logging,
      metrics,
    ],
    tests: [
      "GoText", "Concurrency", "Sockets", "HTTPTransport", "NodeMetrics", "TestSupport",
      "HTTPTestClient", logging, metrics, nioSSL,
    ]),
  room(
    .node, "OrdererConfiguration", ["GoText", "YAMLSettings"],
    tests: ["YAMLSettings", "TestSupport"]),
  room(
    .node, "OrdererServer",
    [
      "FabricProtos", "GoText", "Concurrency", "Storage", "FabricCrypto", "FabricLogging",
      "MetricDescriptions", "Sockets", "GRPCTransport", "HTTPTransport", "Membership",
      "ChannelConfig", "GenesisProfiles", "BlockLedger", "Blocks", "Ordering", "Replication",
      "Followers", "SoloConsensus", "KafkaClient", "KafkaConsensus", "RaftConsensus", "Cluster",
      "MessageProcessing", "Multichannel",
      "AtomicBroadcast", "ChannelParticipation", "NodeMetrics", "Operations",
      "OrdererConfiguration", logging, metrics, nioCore, unixSignals,
    ],
    tests: [
      "FabricProtos", "GoText", "Concurrency", "FabricCrypto", "FabricLogging", "GRPCTransport",
      "HTTPTransport", "Membership", "ChannelConfig", "BlockLedger", "Ordering", "Replication",
      "KafkaConsensus", "RaftConsensus",
      "MessageProcessing", "Multichannel", "NodeMetrics", "Operations", "OrdererConfiguration",
      "TestSupport", "ReplicationFixtures", logging, metrics,
    ]),
  [
    .target(
      name: "CBuildInformation", path: "Sources/Node/CBuildInformation",
      cSettings: [.define("HEDDLE_COMMIT", to: "\"\(commit)\"")]),
    .executableTarget(
      name: "orderer",
      dependencies: [
        "Storage", "FabricLogging", "OrdererConfiguration", "OrdererServer", "CBuildInformation",
        "ToolCommands", logging, argumentParser,
      ],
      path: "Sources/Node/orderer"),
  ],
  // Tools
  room(
    .tools, "ConfigTools",
    ["FabricProtos", "GoText", "Storage", "ChannelConfig", "BlockLedger", "Blocks"],
    tests: [
      "FabricProtos", "GoText", "FabricCrypto", "BlockLedger", "Blocks", "TestSupport", protobuf,
      logging,
    ]),
  room(
    .tools, "UpdateChecks",
    [
      "FabricProtos", "GoText", "Storage", "Membership", "Policies", "ChannelConfig", "Blocks",
      "Ordering", "RaftConsensus", "MessageProcessing", logging,
    ],
    tests: ["FabricProtos", "FabricCrypto", "ChannelConfig", "ProcessingFixtures"]),
  room(
    .tools, "LedgerTools",
    [
      "FabricProtos", "Concurrency", "Storage", "FabricCrypto", "ChannelConfig", "BlockLedger",
      "Blocks",
    ],
    tests: [
      "FabricProtos", "Concurrency", "Membership", "BlockLedger", "Blocks", "TestSupport", logging,
    ]),
  room(
    .tools, "RaftTools",
    [
      "FabricProtos", "Storage", "FabricCrypto", "ChannelConfig", "BlockLedger", "Blocks",
      "RaftCore", "RaftWire", "RaftLog", "RaftConsensus", logging,
    ],
    tests: [
      "FabricProtos", "FabricCrypto", "BlockLedger", "RaftCore", "RaftWire", "RaftLog",
      "TestSupport", logging,
    ]),
  room(
    .tools, "Benchmark",
    [
      "FabricProtos", "GoText", "Concurrency", "Storage", "FabricCrypto", "Sockets",
      "GRPCTransport", "Membership", "GenesisProfiles", crypto, x509, asn1, logging, nioCore,
      histogram,
    ],
    tests: [
      "FabricProtos", "Concurrency", "Storage", "Membership", "GenesisProfiles", "TestSupport",
      nioCore,
    ]),
  room(
    .tools, "ToolCommands",
    [
      "FabricProtos", "Concurrency", "Storage", "GenesisProfiles", "BlockLedger", "RaftLog",
      "OrdererConfiguration", "ConfigTools", "UpdateChecks", "LedgerTools", "RaftTools",
      "Benchmark", argumentParser, unixSignals,
    ]),
  room(.tools, "CaseWatch", [argumentParser]),
  tool(
    "config-update-fuzzer", "ConfigUpdateFuzzer",
    [
      "FabricProtos", "Storage", "FabricCrypto", "Membership", "ChannelConfig", "CaseWatch",
      protobuf, argumentParser,
    ]),
  tool("raft-simulator", "RaftSimulator", ["RaftSimulation", "CaseWatch", argumentParser]),
  tool(
    "config-update-benchmark", "ConfigUpdateBenchmark",
    [
      "FabricProtos", "FabricCrypto", "Membership", "Policies", "ChannelConfig", protobuf, crypto,
      x509, asn1, argumentParser,
    ]),
  // Tests
  support("TestSupport", ["Concurrency", logging]),
  support(
    "HTTPTestClient",
    ["Concurrency", "Sockets", "HTTPTransport", "TestSupport", nioCore, nioPosix, nioSSL]),
  support(
    "ReplicationFixtures",
    [
      "FabricProtos", "Concurrency", "FabricCrypto", "ChannelConfig", "BlockLedger", "Blocks",
      "Replication", "MessageProcessing", "ProcessingFixtures", logging,
    ]),
  support(
    "ProcessingFixtures",
    [
      "FabricProtos", "FabricCrypto", "Membership", "ChannelConfig", "MessageProcessing",
      "SystemChannel", "TestSupport", protobuf, logging,
    ]),
]

let package = Package(
  name: "heddle",
  products: [.executable(name: "orderer", targets: ["orderer"])],
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
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: rooms.flatMap { $0 },
  swiftLanguageModes: [.v6]
)
