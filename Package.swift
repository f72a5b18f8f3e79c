// swift-tools-version: 6.2
import PackageDescription

/// Settings that hold for every Swift target: Swift 6 mode, strict memory safety, warnings are
/// errors.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// What is tested is optimised, as what is released is, and keeps its assertions: without that the tests take four
/// times as long.
let tested: [SwiftSetting] =
  settings + [
    .unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))
  ]

func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: tested)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let arguments: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

// The targets stand in the order in which bytes become yuan; dependencies point upwards only.
let package = Package(
  name: "duizhang",
  products: [.executable(name: "duizhang", targets: ["duizhang"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
  ],
  targets: [
    .systemLibrary(name: "CISAL", providers: [.apt(["libisal-dev"])]),
    .systemLibrary(name: "CLZ4", providers: [.apt(["liblz4-dev"])]),
    .systemLibrary(name: "CXXHash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
    .target(
      name: "CSimdJSON",
      linkerSettings: [.linkedLibrary("simdjson")]),
    .target(name: "CBytes"),
    target("CivilTime"),
    .target(name: "CFiles"),
    target("Files", ["CFiles"]),
    target("Configuration", ["CivilTime", yams]),
    target("Contracts", ["CivilTime", "Configuration"]),
    target("Decoding", ["CBytes", "CivilTime", "CISAL", "CLZ4", "CZstd"]),
    .target(
      name: "Formats", dependencies: ["CivilTime", "Configuration"],
      resources: [.embedInCode("Definitions")], swiftSettings: tested),
    target("Parsing", ["CBytes", "CivilTime", "Decoding", "Formats", "CSimdJSON"]),
    target("Shuffling", ["CBytes", "CISAL", "CLZ4", "CZlib", "Decoding"]),
    target(
      "Counting",
      ["CBytes", "CivilTime", "Contracts", "Decoding", "Formats", "Parsing", "Shuffling"]),
    target(
      "Metering",
      [
        "CivilTime", "Contracts", "Decoding", "Detection", "Formats", "Parsing", "Shuffling",
        "Counting",
      ]),
    target(
      "Checking",
      ["CBytes", "CivilTime", "Decoding", "Formats", "Parsing", "Metering", "Shuffling"]),
    target(
      "Segments",
      [
        "CBytes", "CFiles", "CXXHash", "CZstd", "CivilTime", "Decoding", "Formats", "Parsing",
        crypto,
      ]),
    target("Definitions", ["CivilTime", "Contracts", "Counting"]),
    target("Detection", ["CivilTime", "Contracts", "Counting", "Shuffling"]),
    target("Statements", ["CivilTime", "Contracts", "Decoding"]),
    target(
      "Reconciliation",
      ["CivilTime", "Contracts", "Counting", "Decoding", "Definitions", "Shuffling", "Statements"]),
    target("Ledger", ["CivilTime", "Files", crypto, grdb, sqlite]),
    target(
      "Reports",
      [
        "CivilTime", "Files", "Contracts", "Decoding", "Formats", "Parsing", "Shuffling",
        "Counting", "Checking", "Definitions", "Detection", "Reconciliation", crypto,
      ]),
    target(
      "Manifests",
      ["CivilTime", "Files", "Ledger", "Metering", "Reports", "Shuffling", crypto]),
    target(
      "Pipelines",
      [
        "CivilTime", "Configuration", "Contracts", "Decoding", "Formats", "Parsing", "Shuffling",
        "Counting", "Definitions", "Metering", "Detection", "Ledger", "Manifests", "Nights",
        "Reconciliation", "Reports", "Segments", "Statements",
      ]),
    target(
      "Nights",
      [
        "CivilTime", "Contracts", "Counting", "Decoding", "Detection", "Formats", "Ledger",
        "Metering", "Parsing", "Segments", "Shuffling", crypto,
      ]),
    target(
      "Operations",
      [
        "Checking", "CivilTime", "Configuration", "Contracts", "Counting", "Decoding", "Detection",
        "Files", "Ledger", "Metering", "Pipelines", "Reconciliation", "Reports", "Statements",
      ]),
    target("Simulation", ["CivilTime", "CLZ4", "CZlib"]),
    tests("SimulationTests", ["Simulation", "CivilTime", "CLZ4", "CZlib"]),
    .executableTarget(
      name: "duizhang",
      dependencies: [
        "CivilTime", "Configuration", "Contracts", "Decoding", "Formats", "Counting", "Metering",
        "Checking", "Definitions", "Files", "Ledger", "Manifests", "Reports", "Pipelines",
        "Operations", "Reconciliation", "Simulation", "Statements", arguments,
      ],
      swiftSettings: settings),
    tests("CivilTimeTests", ["CivilTime", "TestSupport"]),
    .target(
      name: "TestSupport",
      dependencies: [
        "CivilTime", "CLZ4", "CZlib", "CZstd", "Contracts", "Decoding", "Counting", "Shuffling",
        "Metering",
      ],
      path: "Tests/TestSupport", swiftSettings: settings),
    tests("DecodingTests", ["CBytes", "Decoding", "TestSupport"]),
    tests("FormatsTests", ["CivilTime", "Configuration", "Formats", "TestSupport"]),
    tests("ParsingTests", ["CivilTime", "Decoding", "Formats", "Parsing", "TestSupport"]),
    tests("ShufflingTests", ["Decoding", "Shuffling", "TestSupport"]),
    tests(
      "CountingTests",
      ["CivilTime", "Contracts", "Counting", "Decoding", "Parsing", "Shuffling", "TestSupport"]),
    tests(
      "SegmentsTests",
      ["CivilTime", "Decoding", "Formats", "Parsing", "Segments", "TestSupport", crypto]),
    tests(
      "MeteringTests",
      [
        "CivilTime", "Contracts", "Counting", "Decoding", "Formats", "Metering", "Checking",
        "Parsing", "TestSupport",
      ]),
    tests(
      "NightsTests",
      [
        "CivilTime", "Contracts", "Counting", "Decoding", "Detection", "Ledger", "Metering",
        "Nights", "Parsing", "Segments", "Shuffling", "TestSupport",
      ]),
    tests(
      "ContractsTests",
      ["CivilTime", "Configuration", "Contracts", "Decoding", "Detection", "Pipelines"]),
    tests("LedgerTests", ["CivilTime", "Files", "Ledger", grdb]),
    tests(
      "ReportsTests",
      [
        "CivilTime", "Files", "Contracts", "Counting", "Detection", "Reconciliation", "Reports",
        "TestSupport",
      ]),
    tests("ManifestsTests", ["CivilTime", "Files", "Ledger", "Manifests", "Reports"]),
    tests(
      "DefinitionsTests",
      [
        "CivilTime", "Contracts", "Counting", "Decoding", "Definitions", "Formats", "Metering",
        "TestSupport",
      ]),
    tests("DetectionTests", ["CivilTime", "Contracts", "Counting", "Detection", "TestSupport"]),
    tests(
      "ReconciliationTests",
      [
        "CivilTime", "Contracts", "Counting", "Decoding", "Definitions", "Reconciliation",
        "Reports",
        "Statements", "TestSupport",
      ]),
    tests(
      "PipelinesTests",
      ["CivilTime", "Configuration", "Contracts", "Decoding", "Metering", "Reports", "Pipelines"]),
    tests(
      "OperationsTests",
      [
        "CivilTime", "Configuration", "Detection", "Files", "Ledger", "Operations", "Pipelines",
        "Reports", grdb,
      ]),
    tests("CommandTests", []),
  ],
  cxxLanguageStandard: .cxx17
)

// Only `Tests/Fuzzing/run.sh` builds these: they need what it tells the compiler and the linker.
if Context.environment["DUIZHANG_FUZZING"] != nil {
  package.targets += [
    .target(name: "CFuzzing", path: "Tests/Fuzzing/CFuzzing"),
    .executableTarget(
      name: "duizhang-fuzz",
      dependencies: [
        "CFuzzing", "CLZ4", "CZlib", "CZstd", "CivilTime", "Configuration", "Contracts",
        "Counting", "Decoding", "Formats", "Parsing", "Pipelines", "Reconciliation", "Statements",
        "TestSupport",
      ],
      path: "Tests/Fuzzing/Fuzz", swiftSettings: settings),
  ]
}
