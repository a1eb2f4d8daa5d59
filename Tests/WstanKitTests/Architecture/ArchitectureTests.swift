import Testing

/// The rooms of the kit and what they may know of each other.
@Suite struct ArchitectureTests {
    private let tree: SourceTree

    init() throws {
        tree = try SourceTree()
    }

    /// Which rooms a room may refer to, beside itself.
    private static let mayRefer: [String: Set<String>] = [
        "Base": [], "Wire": ["Base"], "Config": ["Base", "Wire"],
        "Log": ["Base", "Wire", "Config", "Runtime", "Tunnel", "Client", "Server"],
        "Runtime": ["Base", "Wire"],
        "Tunnel": ["Base", "Wire", "Runtime", "Log"],
        "Client": ["Tunnel", "Base", "Wire", "Runtime", "Config", "Log"],
        "Server": ["Tunnel", "Base", "Wire", "Runtime", "Config", "Log"],
        "Control": ["Base", "Runtime"],
        "Daemon": ["Control", "Client", "Server", "Tunnel", "Base", "Wire", "Runtime", "Config", "Log"],
        "Doctor": ["Daemon", "Client", "Server", "Tunnel", "Base", "Wire", "Runtime", "Config", "Log"],
        "Program": ["Doctor", "Daemon", "Client", "Tunnel", "Base", "Wire", "Runtime", "Config", "Log"],
    ]

    private static let mayImport: [String: Set<String>] = [
        "Base": ["CLinux", "Glibc"], "Wire": ["COpenSSL"], "Config": [],
        "Tunnel": ["Logging", "Synchronization"], "Client": ["Logging", "Synchronization"],
        "Server": ["Logging", "Synchronization"], "Runtime": ["CLinux", "Glibc", "COpenSSL", "Synchronization"],
        "Log": ["CLinux", "Glibc", "CSystemd", "Logging", "Synchronization", "WstanControl"],
        "Control": ["CLinux", "Glibc", "WstanControl"],
        "Daemon": ["CLinux", "Glibc", "CSystemd", "Logging", "Synchronization", "WstanControl"],
        "Doctor": ["CLinux", "Glibc", "Synchronization"], "Program": ["CLinux", "Glibc", "Logging", "Synchronization"],
    ]

    @Test func `every file of the kit stands in a known room`() {
        for file in tree.files where file.path.hasPrefix("WstanKit/") {
            #expect(file.room.flatMap { Self.mayRefer[$0] } != nil, "\(file.path)")
        }
        for room in Self.mayImport.keys {
            #expect(!tree.files(in: room).isEmpty, "\(room) is empty: is the tree found?")
        }
    }

    @Test func `rooms import what they may`() {
        for file in tree.files {
            guard let room = file.room, let allowed = Self.mayImport[room] else { continue }
            for module in file.imports { #expect(allowed.contains(module), "\(file.path) imports \(module)") }
        }
    }

    /// A state machine takes bytes, time and randomness as arguments, so it needs nothing.
    @Test func `state machines import nothing`() {
        for file in tree.files where file.path.hasSuffix("Machine.swift") || file.path.hasSuffix("AddressRace.swift") {
            #expect(file.imports.isEmpty, "\(file.path)")
        }
    }

    @Test func `the control program links nothing of the daemon`() {
        for file in tree.files where file.path.hasPrefix("wstanctl/") || file.path.hasPrefix("WstanControl/") {
            for module in ["WstanKit", "COpenSSL", "CSystemd"] {
                #expect(!file.imports.contains(module), "\(file.path)")
            }
        }
    }

    @Test func `rooms refer to the rooms they may`() {
        var roomsOfType: [String: Set<String>] = [:]
        for file in tree.files {
            guard let room = file.room else { continue }
            for type in file.declaredTypes { roomsOfType[type, default: []].insert(room) }
        }
        for (type, rooms) in roomsOfType where rooms.count > 1 {
            Issue.record("\(type) is declared in \(rooms.sorted())")
        }
        let nested = Self.mayRefer.keys.map { room in (room, Set(tree.files(in: room).flatMap(\.nestedTypes))) }
        let nestedByRoom = Dictionary(uniqueKeysWithValues: nested)
        for file in tree.files {
            guard let room = file.room, let allowed = Self.mayRefer[room], let own = nestedByRoom[room] else {
                continue
            }
            for name in SourceTree.typeNames(in: file.code).sorted() where !own.contains(name) {
                guard let homes = roomsOfType[name], !homes.contains(room) else { continue }
                #expect(!homes.isDisjoint(with: allowed), "\(file.path) refers to \(name) of \(homes.sorted())")
            }
        }
    }

    @Test func `a long file says why`() {
        for file in tree.files where file.lines.count > 401 {
            #expect(file.headComment.contains("Longer than"), "\(file.path) has \(file.lines.count - 1) lines")
        }
    }

    /// The tests above see nothing if this is wrong.
    @Test func `the reader of sources sees types, imports and code`() {
        let text = #"""
            // A Comment about Tunnel
            @testable import struct Glibc.timespec
            public final class Reader<Value>: Base { let x = "Literal \(Inner.self) more" } // Trailing
                struct Indented {}
            nonisolated enum Kind { case a(Payload), b = .Member }
            let block = """
                Block: Words
                """
            """#
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let file = SourceTree.File(path: "WstanKit/Wire/X.swift", lines: lines, code: SourceTree.code(of: text))
        #expect(file.room == "Wire")
        #expect(file.imports == ["Glibc"])
        #expect(file.declaredTypes == ["Reader", "Kind"])
        #expect(file.nestedTypes == ["Indented"])
        #expect(file.headComment == "// A Comment about Tunnel")
        let names = SourceTree.typeNames(in: file.code)
        #expect(names.isSuperset(of: ["Reader", "Value", "Base", "Inner", "Indented", "Kind", "Payload"]))
        #expect(names.isDisjoint(with: ["Comment", "Tunnel", "Literal", "Trailing", "Member", "Block"]))
    }
}
