@testable import WstanConfig

/// A command line with the files it can see, and what comes of it.
struct ConfigFixture {
    struct NoSuchFile: Error, CustomStringConvertible {
        let description = "No such file or directory"
    }

    var files: [String: [UInt8]] = [:]
    var worldReadable: Set<String> = []
    var variables: [String: String] = [:]

    static let minimal = "uri = ws://h:8080/\nkey = k\n"

    init() {}

    init(file text: String) {
        files["f.conf"] = Array(text.utf8)
    }

    init(bytes: [UInt8]) {
        files["f.conf"] = bytes
    }

    func parse(
        _ arguments: [String], purpose: Invocation.Purpose = .stated
    ) throws(ConfigurationFailure) -> Invocation {
        var surroundings = Surroundings(readFile: { path in
            guard let bytes = files[path] else { throw NoSuchFile() }
            return bytes
        })
        surroundings.fileNames = { directory in
            let names = files.keys.compactMap { $0.suffix(after: directory + "/") }
            return names.isEmpty ? nil : names
        }
        surroundings.isWorldReadable = { worldReadable.contains($0) }
        surroundings.variable = { variables[$0] }
        return try Invocation.parse(arguments, purpose: purpose, in: surroundings)
    }

    func run(_ arguments: [String] = ["-i", "f.conf"]) throws -> (settings: Settings, warnings: [String]) {
        guard case .run(let settings, let warnings) = try parse(arguments) else { throw NotARun() }
        return (settings, warnings.map(\.description))
    }

    /// nil when it did not fail.
    func failure(_ arguments: [String] = ["-i", "f.conf"]) -> ConfigurationFailure? {
        do throws(ConfigurationFailure) {
            _ = try parse(arguments)
            return nil
        } catch {
            return error
        }
    }

    func complaints(_ arguments: [String] = ["-i", "f.conf"]) -> [String] {
        failure(arguments)?.diagnostics.map(\.description) ?? []
    }

    struct NotARun: Error {}
}

func configured(_ line: String) throws -> Settings {
    try ConfigFixture().run(argumentWords(line)).settings
}

func argumentWords(_ line: String) -> [String] {
    line.split(separator: " ").map { String($0) }
}
