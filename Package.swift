// swift-tools-version: 6.2
import PackageDescription

/// The same rules for every target: an import is internal unless it says otherwise, so that no C type and no
/// dependency leaks into an interface by accident; a warning is an error.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "sallyport",
    products: [
        .executable(name: "sallyport", targets: ["sallyport"]),
        .library(name: "Sallyport", targets: ["Sallyport"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        // The walls around C. Nothing but the target right above each of them imports it.
        .systemLibrary(name: "CLibuv", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        .target(name: "CPlatform"),
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("crypto")]),
        // Loads its library when it is asked for; builds without.
        .target(name: "CIPsecMB"),

        // Time and memory, as every layer counts them.
        .target(name: "Basics", swiftSettings: strict),

        // What all layers call the same: requests, failures, ends, identities.
        .target(name: "Vocabulary", dependencies: ["Basics"], swiftSettings: strict),

        // Bytes and time in, bytes and events out: no I/O can get in here.
        .target(name: "WireCoding", swiftSettings: strict),
        .target(name: "CryptoPrimitives", dependencies: ["COpenSSL", "CIPsecMB"], swiftSettings: strict),
        .target(
            name: "ProtocolCore",
            dependencies: ["Basics", "Vocabulary", "WireCoding", "CryptoPrimitives"],
            swiftSettings: strict
        ),

        // What differs between operating systems; nothing else imports the C library.
        .target(
            name: "Platform",
            dependencies: ["CPlatform", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: strict
        ),

        // Sockets, timers and threads: no protocol can get in here.
        .target(
            name: "EventIO",
            dependencies: [
                "CLibuv", "Platform", "Basics",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict
        ),

        // The only place where the two meet.
        .target(
            name: "SecureLink",
            dependencies: [
                "ProtocolCore", "EventIO", "Platform", "Basics", "Vocabulary", "WireCoding",
                "CryptoPrimitives",
            ],
            swiftSettings: strict
        ),

        // The library: messages and streams of bytes for Swift programs.
        .target(
            name: "Sallyport",
            dependencies: [
                "SecureLink", "EventIO", "Platform", "Basics", "Vocabulary", "WireCoding", "CryptoPrimitives",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict
        ),

        // The product.
        .target(name: "ConfigurationFile", dependencies: ["Basics"], swiftSettings: strict),
        .target(
            name: "Tunnel",
            dependencies: [
                "SecureLink", "EventIO", "Platform", "Basics", "Vocabulary", "CryptoPrimitives",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "TunnelCommand",
            dependencies: [
                "Tunnel", "Sallyport", "ConfigurationFile", "EventIO", "Platform", "Basics", "Vocabulary",
                "SecureLink", "CryptoPrimitives",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "sallyport",
            dependencies: ["TunnelCommand", "Platform"],
            swiftSettings: strict
        ),

        .executableTarget(
            name: "Ladder",
            dependencies: [
                "Tunnel", "SecureLink", "ProtocolCore", "EventIO", "Platform", "Basics", "WireCoding",
                "CryptoPrimitives",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/Ladder",
            swiftSettings: strict
        ),

        // Small programs that use the library as anybody would.
        .executableTarget(name: "ExampleChat", dependencies: ["Sallyport"], path: "Examples/Chat"),
        .executableTarget(name: "ExampleFileDrop", dependencies: ["Sallyport"], path: "Examples/FileDrop"),
        .executableTarget(
            name: "ExampleRemoteCommand",
            dependencies: ["Sallyport"],
            path: "Examples/RemoteCommand"
        ),
        .executableTarget(name: "ExampleTopics", dependencies: ["Sallyport"], path: "Examples/Topics"),

        .executableTarget(
            name: "Soak",
            dependencies: ["ProtocolCoreTesting", "ProtocolCore", "Basics"],
            path: "Fuzzing/Soak",
            swiftSettings: strict
        ),

        // For tests, fuzzers and benchmarks.
        .target(
            name: "ProtocolCoreTesting",
            dependencies: [
                "ProtocolCore", "Basics", "Vocabulary", "WireCoding", "CryptoPrimitives", "Platform",
            ],
            swiftSettings: strict
        ),
        .target(
            name: "FuzzEntrances",
            dependencies: [
                "ProtocolCore", "ProtocolCoreTesting", "Basics", "Vocabulary", "WireCoding",
                "CryptoPrimitives", "TunnelCommand",
                "Tunnel", "Platform",
                "ConfigurationFile", "Sallyport",
            ],
            path: "Fuzzing/Entrances",
            swiftSettings: strict
        ),
        .testTarget(
            name: "FuzzCorpusTests",
            dependencies: ["FuzzEntrances", "ProtocolCoreTesting"],
            swiftSettings: strict
        ),
        .testTarget(name: "BasicsTests", dependencies: ["Basics"], swiftSettings: strict),
        .testTarget(name: "VocabularyTests", dependencies: ["Vocabulary"], swiftSettings: strict),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"], swiftSettings: strict),
        .testTarget(
            name: "WireCodingTests",
            dependencies: ["WireCoding", "ProtocolCoreTesting"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ProtocolCoreTests",
            dependencies: [
                "ProtocolCore", "ProtocolCoreTesting", "Basics", "Vocabulary", "WireCoding",
                "CryptoPrimitives",
            ],
            exclude: [
                "Vectors/protocol-vectors.json", "Vectors/spake2plus-vectors.json",
                "Reference/reference_peer.py",
            ],
            swiftSettings: strict
        ),

        .testTarget(
            name: "SallyportTests",
            dependencies: [
                "Sallyport", "ProtocolCoreTesting", "EventIO", "Platform", "Basics", "Vocabulary",
                "SecureLink",
                .product(name: "SystemPackage", package: "swift-system"),
                // Run as processes.
                "ExampleChat", "ExampleFileDrop", "ExampleRemoteCommand", "ExampleTopics",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "SecureLinkTests",
            dependencies: [
                "SecureLink", "ProtocolCore", "ProtocolCoreTesting", "CryptoPrimitives", "EventIO",
                "Platform", "Basics", "Vocabulary", "WireCoding",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "EventIOTests",
            dependencies: [
                .product(name: "SystemPackage", package: "swift-system"), "EventIO", "Platform", "Basics",
                "ProtocolCoreTesting", "CLibuv",
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ConfigurationFileTests",
            dependencies: ["ConfigurationFile"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "TunnelTests",
            dependencies: [
                .product(name: "SystemPackage", package: "swift-system"), "Tunnel", "SecureLink", "EventIO",
                "Platform", "Basics", "Vocabulary", "ProtocolCoreTesting",
            ],
            swiftSettings: strict
        ),

        // The release binary as its users have it: no target of the package is needed for that.
        .testTarget(
            name: "ScenarioTests",
            dependencies: ["Sallyport"],
            exclude: ["Reference/wire_client.py"],
            swiftSettings: strict
        ),

        .testTarget(
            name: "CryptoPrimitivesTests",
            dependencies: ["CryptoPrimitives"],
            exclude: ["Vectors"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "TunnelCommandTests",
            dependencies: [
                "TunnelCommand", "Tunnel", "ConfigurationFile", "EventIO", "Platform", "Vocabulary",
                "FuzzEntrances",
                "ProtocolCoreTesting", "CryptoPrimitives",
            ],
            exclude: ["Configurations"],
            swiftSettings: strict
        ),

        // Rules that a machine can check: of the code that the compiler does not, and of the documents.
        .testTarget(name: "HouseRulesTests", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

// The fuzzers need a linker that can link libFuzzer in, so an ordinary build does not know them (.ci/fuzz).
if Context.environment["FUZZING"] == "1" {
    package.targets.append(.systemLibrary(name: "CLibFuzzer", path: "Fuzzing/CLibFuzzer"))
    for entrance in [
        "Handshake", "Records", "SessionOperations", "ConfigurationFile", "PasswordFile", "Items",
    ] {
        package.products.append(.executable(name: "Fuzz\(entrance)", targets: ["Fuzz\(entrance)"]))
        package.targets.append(
            .executableTarget(
                name: "Fuzz\(entrance)",
                dependencies: ["FuzzEntrances", "CLibFuzzer"],
                path: "Fuzzing/Fuzz\(entrance)",
                swiftSettings: strict
            )
        )
    }
}
