// swift-tools-version: 6.2
import PackageDescription

/// The settings of every target.
///
/// An import is internal unless it says otherwise, so no C type and no dependency leaks into an interface by accident. A warning
/// is an error.
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
    traits: [
        .default(enabledTraits: ["Program"]),
        .trait(
            name: "Program",
            description: "The program `sallyport`, with the packages that only it needs."
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        // The C modules. Only the target directly above each of them imports it.
        .systemLibrary(name: "CLibuv", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        .target(name: "CPlatform"),
        .target(name: "COpenSSL", linkerSettings: [.linkedLibrary("crypto")]),
        // Loads its library at run time, on request; the build does not need the library.
        .target(name: "CIPsecMB"),

        // Types for time and memory that all layers use.
        .target(name: "Basics", swiftSettings: strict),

        // Types that all layers share: requests, failures, ends, identities.
        .target(name: "Vocabulary", dependencies: ["Basics"], swiftSettings: strict),

        // The protocol: bytes and time in, bytes and events out. These targets cannot do I/O.
        .target(name: "WireCoding", swiftSettings: strict),
        .target(name: "CryptoPrimitives", dependencies: ["COpenSSL", "CIPsecMB"], swiftSettings: strict),
        .target(
            name: "ProtocolCore",
            dependencies: ["Basics", "Vocabulary", "WireCoding", "CryptoPrimitives"],
            swiftSettings: strict
        ),

        // Code that differs between operating systems; no other target imports the C library.
        .target(
            name: "Platform",
            dependencies: ["CPlatform", .product(name: "SystemPackage", package: "swift-system")],
            swiftSettings: strict
        ),

        // Sockets, timers and threads. This target cannot use the protocol.
        .target(
            name: "EventIO",
            dependencies: [
                "CLibuv", "Platform", "Basics",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict
        ),

        // The only target that combines the protocol with I/O.
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
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict
        ),

        // The command-line program.
        .target(name: "ConfigurationFile", dependencies: ["Basics"], swiftSettings: strict),
        .target(
            name: "Tunnel",
            dependencies: [
                "SecureLink", "EventIO", "Platform", "Basics", "Vocabulary", "CryptoPrimitives",
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Program"])),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "TunnelCommand",
            dependencies: [
                "Tunnel", "Sallyport", "ConfigurationFile", "EventIO", "Platform", "Basics", "Vocabulary",
                "SecureLink", "CryptoPrimitives",
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Program"])),
                .product(
                    name: "ArgumentParser",
                    package: "swift-argument-parser",
                    condition: .when(traits: ["Program"])
                ),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "sallyport",
            dependencies: ["TunnelCommand", "Platform"],
            // Not `Sources/sallyport`: on a disk that ignores case that is the library's folder.
            path: "Sources/Main",
            swiftSettings: strict
        ),

        .executableTarget(
            name: "Ladder",
            dependencies: [
                "Tunnel", "SecureLink", "ProtocolCore", "EventIO", "Platform", "Basics", "WireCoding",
                "CryptoPrimitives",
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Program"])),
                .product(
                    name: "ArgumentParser",
                    package: "swift-argument-parser",
                    condition: .when(traits: ["Program"])
                ),
            ],
            path: "Benchmarks/Ladder",
            swiftSettings: strict
        ),

        // Small programs that use the library's public interface.
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
                // The tests run these as processes.
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

        // Runs the release binary as its users do, which needs no target of the program.
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

        // Checks rules for the code that the compiler does not check, and rules for the documents.
        .testTarget(name: "HouseRulesTests", swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

// The fuzzers need a linker that can link libFuzzer, so an ordinary build does not include them (.ci/fuzz).
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
