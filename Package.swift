// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors on our own targets only: the command line flag would clash with SwiftPM's own for dependencies.
let ours: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    // An async function runs where its caller runs, so that nothing on the data path leaves its worker by accident.
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]
// Valgrind 3.19, by which bench/instructions counts, gives up on what clang writes of C since DWARF 5.
let plain: [CSetting] = [.unsafeFlags(["-gdwarf-4"])]

// A target of the kit is some of the folders below Sources/WstanKit. So the compiler holds which may use which; within a target
// scripts/rooms does. What a byte travels through is one target: across targets the compiler inlines nothing but what is marked.
let rooms = [
    "Base", "Config", "Wire", "Runtime", "Log", "Tunnel", "Client", "Server", "Control", "Daemon", "Doctor", "Program",
]
func kit(_ name: String, _ own: [String], _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: dependencies, path: "Sources/WstanKit", exclude: rooms.filter { !own.contains($0) },
        sources: own, swiftSettings: ours)
}
let wholeKit: [Target.Dependency] = [
    "WstanBase", "WstanConfig", "WstanCore", "WstanControlSocket", "WstanKit", "WstanControl",
]

// Programs that prove something see the kit's insides, as tests do, and an ordinary release build cannot: so they are
// built only by scripts/fuzz and Tests/autobahn/run, which set this. The fuzz targets are files of the tests, which
// replay what was found.
let isProving = Context.environment["WSTAN_PROVE"] != nil
let proofs: [Target] = [
    .executableTarget(name: "wstan-echo", dependencies: wholeKit, path: "Tests/autobahn/Echo", swiftSettings: ours),
    .executableTarget(
        name: "wstan-fuzz", dependencies: wholeKit, path: "Tests/WstanKitTests/Fuzz", swiftSettings: ours),
]
let tests: [Target] = [
    .testTarget(
        name: "WstanKitTests", dependencies: wholeKit, exclude: ["Fuzz/Program"],
        resources: [.copy("Vectors"), .copy("Findings")],
        swiftSettings: ours),
    .testTarget(name: "WstanctlTests", dependencies: ["wstanctl", "WstanControl"], swiftSettings: ours),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

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
        .target(name: "CStart", cSettings: plain),
        .target(name: "CSecrets", cSettings: plain),
        .target(
            name: "WstanControl", dependencies: ["CStart"], exclude: ["org.wstan.control.varlink"], swiftSettings: ours),
        kit("WstanBase", ["Base"], ["CLinux", "CSecrets"]),
        kit("WstanConfig", ["Config"], ["WstanBase"]),
        kit(
            "WstanCore", ["Wire", "Runtime", "Log", "Tunnel", "Client", "Server"],
            ["WstanBase", "WstanConfig", "WstanControl", "CLinux", "COpenSSL", "CSecrets", "CSystemd", logging]),
        kit("WstanControlSocket", ["Control"], ["WstanBase", "WstanCore", "WstanControl", "CLinux"]),
        kit(
            "WstanKit", ["Daemon", "Doctor", "Program"],
            [
                "WstanBase", "WstanConfig", "WstanCore", "WstanControlSocket", "WstanControl", "CLinux", "CSystemd",
                logging,
            ]),
        .executableTarget(name: "wstand", dependencies: ["WstanKit"], swiftSettings: ours),
        .executableTarget(
            name: "wstanctl",
            dependencies: ["WstanControl", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: ours),
    ] + (isProving ? proofs : tests),
    swiftLanguageModes: [.v6])
