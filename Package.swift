// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors on our own targets only: the command line flag would clash with SwiftPM's own for dependencies.
let ours: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    // An async function runs where its caller runs, so that nothing on the data path leaves its worker by accident.
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

// Programs that prove something see the kit's insides, as tests do, and an ordinary release build cannot: so they are
// built only by scripts/fuzz and scripts/autobahn, which set this. The fuzz targets are files of the tests, which
// replay what was found.
let isProving = Context.environment["WSTAN_PROVE"] != nil
let proofs: [Target] = [
    .executableTarget(name: "wstan-echo", dependencies: ["WstanKit"], path: "Tests/autobahn/Echo", swiftSettings: ours),
    .executableTarget(
        name: "wstan-fuzz", dependencies: ["WstanKit", "WstanControl"], path: "Tests/WstanKitTests/Fuzz", swiftSettings: ours),
]
let tests: [Target] = [
    .testTarget(
        name: "WstanKitTests", dependencies: ["WstanKit", "WstanControl"], exclude: ["Fuzz/Program"],
        resources: [.copy("Vectors"), .copy("Findings")],
        swiftSettings: ours),
    .testTarget(name: "WstanctlTests", dependencies: ["wstanctl", "WstanControl"], swiftSettings: ours),
]

let package = Package(
    name: "wstan",
    products: [
        .executable(name: "wstand", targets: ["wstand"]),
        .executable(name: "wstanctl", targets: ["wstanctl"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    ],
    targets: [
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CLinux"),
        .target(name: "WstanControl", exclude: ["org.wstan.control.varlink"], swiftSettings: ours),
        .target(
            name: "WstanKit",
            dependencies: [
                "WstanControl", "COpenSSL", "CSystemd", "CLinux", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: ours),
        .executableTarget(name: "wstand", dependencies: ["WstanKit"], swiftSettings: ours),
        .executableTarget(
            name: "wstanctl",
            dependencies: ["WstanControl", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: ours),
    ] + (isProving ? proofs : tests),
    swiftLanguageModes: [.v6])
