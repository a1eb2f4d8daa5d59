@testable import WstanKit

extension FuzzTarget {
    /// A command line and the file it names end in settings without an error, or in at least one error.
    static let configuration = FuzzTarget(
        "configuration",
        seeds: [
            Array(
                "-i f\nuri = ws://h:8080/\nkey = k\n[client]\nlisten = localhost:1080\n[server]\nlisten = 0.0.0.0:80"
                    .utf8),
            Array(
                "-i f --strict\nmode = server\nuri = wss://[::1]:1/a\nkey = k\nmemory-limit = 64M\nx = y".utf8),
            Array("-s ws://h:8080/x KEY -d --pool-size=3\n".utf8),
            Array("-c --key-file env:K ws://h --threads 4\n".utf8),
            Array("ws://[::1]:1/ KEY -zdp1081 --listen a:1,b:2 --proxy http://p:1 --drain-timeout 5min\n".utf8),
        ], maxLength: 512
    ) { input in
        let bytes = input.rest()
        let lineEnd = bytes.firstIndex(of: 10) ?? bytes.endIndex
        let arguments = String(decoding: bytes[..<lineEnd], as: UTF8.self).split(separator: " ").map { String($0) }
        let file = Array(bytes[lineEnd...].dropFirst())
        do throws(ConfigurationFailure) {
            switch try Invocation.parse(arguments, readFile: { _ in file }) {
            case .run(let settings, let warnings), .checkConfig(let settings, let warnings):
                require(warnings.allSatisfy { $0.severity == .warning }, "a success has no errors")
                require(!settings.listen.isEmpty, "somewhere to listen")
                let path = settings.uri.path
                require(path.hasPrefix("/") && path.hasSuffix("/"), "a path between slashes")
                require(path.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a path that fits into a request line")
                require((0...4096).contains(settings.earlyData), "bounds hold")
            case .help, .version, .generateKey: return
            }
        } catch {
            require(
                error.help != nil || error.diagnostics.contains { $0.severity == .error }, "a failure has an error")
            require(error.diagnostics.count <= 3 * (ConfigurationBounds.diagnostics + 1), "diagnostics have a bound")
            for diagnostic in error.diagnostics {
                require(!diagnostic.description.contains("\n"), "a diagnostic is one line")
            }
        }
    }
}
