@testable import WstanConfig

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
            Array(
                """
                -i f
                uri = wss://h\nuri = ws://i\nkey = k
                [server]\ndeny = 10.0.0.0/8, [2001:db8::/32]:443, *.a.example:1-9
                [tls]\nverify = no\npin-sha256 = 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
                [client]\nheader = A: b\nallow-uid = 1000, anna\ndirect = private\nproxy = socks5://u:p%40@[::1]
                [forward db]\nlisten = [::1]:1, unix:/run/db\ntarget = db:5432\nprotocol = tcp
                """.utf8),
            Array(
                "-i f.conf --print-config\nuri = ws://h/\nkey = k\n\u{c}[forward a]\nlisten = a:1\ntarget = b:2".utf8),
            Array("--stdio -p 1081 -i f h 22\n[client]\nlisten = unix:/run/socks\n".utf8),
            Array("ws://h K --forward=udp:[::1]:53=9.9.9.9:53 --tls-sni=a -y socks5h://u@p\n".utf8),
            Array("-s ws://h:8080/x KEY -d --pool-size=3\n".utf8),
            Array("-c --key-file env:K ws://h --threads 4\n".utf8),
            Array("ws://[::1]:1/ KEY -zdp1081 --listen a:1,b:2 --proxy http://p:1 --drain-timeout 5min\n".utf8),
        ], maxLength: 768
    ) { input in
        let bytes = input.rest()
        let lineEnd = bytes.firstIndex(of: 10) ?? bytes.endIndex
        let arguments = String(decoding: bytes[..<lineEnd], as: UTF8.self).split(separator: " ").map { String($0) }
        // What follows a form feed is a drop-in.
        let parts = bytes[lineEnd...].dropFirst().split(separator: 12, omittingEmptySubsequences: false).map(Array.init)
        let surroundings = Surroundings(
            readFile: { $0.hasSuffix(".d/x.conf") ? parts.last ?? [] : parts.first ?? [] },
            fileNames: { _ in parts.count > 1 ? ["x.conf"] : nil }, isWorldReadable: { _ in true })
        do throws(ConfigurationFailure) {
            switch try Invocation.parse(arguments, in: surroundings) {
            case .checkConfig(let settings, _, _):
                require(!settings.listen.isEmpty, "somewhere to listen")
            case .run(let settings, let warnings), .doctor(let settings, let warnings):
                require(warnings.allSatisfy { $0.severity == .warning }, "a success has no errors")
                require(!settings.listen.isEmpty, "somewhere to listen")
                let path = settings.uri.path
                require(path.hasPrefix("/") && path.hasSuffix("/"), "a path between slashes")
                require(path.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a path that fits into a request line")
                require(settings.forwards.allSatisfy { !$0.listen.isEmpty && $0.target.port != 0 }, "whole forwards")
                require(settings.tls.pins.allSatisfy { $0.count == 32 }, "pins are digests")
                require((0...4096).contains(settings.earlyData), "bounds hold")
            case .stdio(let target, let via):
                require(target.port != 0 && !via.isEmpty, "a target and a way to it")
            case .printConfig(let text, let warnings):
                require(warnings.allSatisfy { $0.severity == .warning }, "a success has no errors")
                // A value with a control character, which only a command line can hold, is left out.
                guard !text.contains("it cannot be written here") else { return }
                let printed = Surroundings(readFile: { _ in Array(text.utf8) })
                let again = try? Invocation.parse(["--check-config", "--strict", "-i", "f"], in: printed)
                guard case .checkConfig(_, _, let found)? = again, found.allSatisfy({ $0.severity == .warning }) else {
                    return require(false, "what is printed can be read again")
                }
            case .help, .version, .generateKey, .clientKey: return
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
