import Testing

@testable import WstanConfig
@testable import WstanKit

/// What a running daemon does with its own command line: it states what it reads it for, and adds no word to it.
@Suite struct ConfigurationPurposeTests {
    static let server = "uri = ws://h:8080/\nkey = WY+yKqwlAlxSubNXVLrJsw==\n"
    static let listen = "[client]\nlisten = 127.0.0.1:0\n"

    /// A file and a drop-in of it, and how often each file was read.
    private final class Disk {
        var files = ["/c/f.conf": server + listen, "/c/f.conf.d/1.conf": "log-level = info\n"]
        var reads: [String: Int] = [:]

        var surroundings: Surroundings {
            Surroundings(
                readFile: { [self] path in
                    reads[path, default: 0] += 1
                    guard let text = files[path] else { throw ConfigFixture.NoSuchFile() }
                    return Array(text.utf8)
                }, fileNames: { $0 == "/c/f.conf.d" ? ["1.conf"] : nil })
        }
    }

    @Test(
        arguments: ["-i f.conf --", "-s -- ws://h/ k", "-s ws://h/ -- k", "-i f.conf"],
        [Invocation.Purpose.check, .reload])
    func `options may have ended`(line: String, purpose: Invocation.Purpose) throws {
        let fixture = ConfigFixture(file: ConfigFixture.minimal)
        let invocation = try fixture.parse(argumentWords(line), purpose: purpose)
        guard case .checkConfig(let settings, _, let diagnostics) = invocation else {
            Issue.record("\(invocation)")
            return
        }
        #expect(settings.uri.host == "h")
        #expect(!diagnostics.hasErrors)
    }

    @Test func `a reload is as strict as a start, and a check is not`() throws {
        let fixture = ConfigFixture(file: "uri = ws://h/\nkey = (redacted)\n")
        let severities = { (purpose: Invocation.Purpose) throws -> [Diagnostic.Severity] in
            guard case .checkConfig(_, _, let found) = try fixture.parse(["-i", "f.conf"], purpose: purpose) else {
                throw ConfigFixture.NotARun()
            }
            return found.map(\.severity)
        }
        #expect(try severities(.check) == [.warning])
        #expect(try severities(.reload) == [.error])
        #expect(fixture.failure()?.diagnostics.map(\.severity) == [.error])
    }

    @Test(arguments: [["--config", "/c/f.conf"], ["--config", "/c/f.conf", "--"]])
    func `a check and a reload read each file once`(arguments: [String]) throws {
        let disk = Disk()
        let once = disk.files.mapValues { _ in 1 }
        let check = try ConfigurationCheck(of: arguments, for: .check, in: disk.surroundings)
        #expect(check.settings.logLevel == .info && check.diagnostics.isEmpty)
        #expect(disk.reads == once)
        disk.reads = [:]
        let loaded = try LoadedConfiguration.load(
            arguments, replacing: check.settings, passed: [], in: disk.surroundings)
        #expect(loaded.settings == check.settings)
        #expect(disk.reads == once)
    }

    @Test func `a reload says everything that is wrong, with the line of each`() throws {
        let disk = Disk()
        let former = try ConfigurationCheck(of: ["--config", "/c/f.conf"], for: .check, in: disk.surroundings).settings
        disk.files["/c/f.conf"] =
            Self.server + "threads = x\n" + Self.listen + "users-file = /c/no-such-file\n"
        do {
            _ = try LoadedConfiguration.load(
                ["--config", "/c/f.conf"], replacing: former, passed: [], in: disk.surroundings)
            Issue.record("no failure")
        } catch {
            #expect(
                error.diagnostics.map(\.place)
                    == [.line("/c/f.conf", line: 3, column: 11), .line("/c/f.conf", line: 6, column: 14)])
            #expect(error.exitStatus == .configuration)
        }
    }
}

extension [Diagnostic] {
    fileprivate var hasErrors: Bool { contains { $0.severity == .error } }
}
