/// The words of `wstand --stdio HOST PORT`, which needs neither URI nor key: the running client has them.
enum StandardStreams {
    /// Where a client listens that was told nothing else.
    private static let standard = Settings.standard(.client).listen

    /// - Throws: wrong usage, or a file that cannot be read or is wrong.
    static func invocation(
        _ words: CommandLineArguments, _ commandLine: SettingsLayer, in surroundings: Surroundings
    ) throws(ConfigurationFailure) -> Invocation {
        var diagnostics = commandLine.diagnostics
        let target = target(words.positionals, &diagnostics)
        if words.isServer {
            diagnostics.add(.error, at: .commandLine, "--stdio goes through a client: remove -s/--server")
        }
        if words.asksForCheck {
            diagnostics.add(.error, at: .commandLine, "--stdio and --check-config exclude each other: keep one")
        }
        if words.asksForDoctor {
            diagnostics.add(.error, at: .commandLine, "--stdio and --doctor exclude each other: keep one")
        }
        if words.asksForPrint {
            diagnostics.add(.error, at: .commandLine, "--stdio and --print-config exclude each other: keep one")
        }
        for assignment in words.assignments where !isOfUse(assignment) {
            let text = "\(assignment.name) has no effect with --stdio, which uses a running client: remove it"
            diagnostics.add(.error, at: .commandLine, text)
        }
        guard let target, !diagnostics.hasErrors else {
            let errors = diagnostics.all.filter { $0.severity == .error }
            throw ConfigurationFailure(errors, exitStatus: .usage)
        }
        var via = standard
        if let path = words.file {
            let file = try ConfigurationReader(path, isStrict: words.isStrict, in: surroundings)
            guard !file.diagnostics.hasErrors else {
                throw ConfigurationFailure(file.diagnostics.all, exitStatus: .configuration)
            }
            via = file.layer.clientListen.overriding(via, standard: standard)
        }
        via = commandLine.clientListen.overriding(via, standard: standard).filter(isReachable)
        guard !via.isEmpty else {
            let text = "the client listens on a port that the kernel chooses: name that port with -p"
            throw ConfigurationFailure([Diagnostic(.error, at: .commandLine, text)], exitStatus: .usage)
        }
        return .stdio(target: target, via: via)
    }

    private static func target(_ words: [String], _ diagnostics: inout DiagnosticList) -> TargetAddress? {
        guard words.count == 2 else {
            let text = "--stdio takes a host and a port, and nothing else: write wstand --stdio HOST PORT"
            diagnostics.add(.error, at: .commandLine, text)
            return nil
        }
        do throws(ValueProblem) {
            guard words[0].utf8.count(where: { $0 == UInt8(ascii: ":") }) != 1 else {
                throw ValueProblem("HOST and PORT are two words: write a space for the colon")
            }
            let host = try HostPort.host(words[0])
            guard let port = Quantity(words[1])?.count.flatMap({ UInt16(exactly: $0) }), port != 0 else {
                throw ValueProblem("PORT is no number from 1 to 65535")
            }
            return TargetAddress(host: host, port: port)
        } catch {
            diagnostics.add(.error, at: .commandLine, "--stdio: \(error.text)")
            return nil
        }
    }

    /// Where the client listens, and what a script may give every call of ours.
    private static func isOfUse(_ assignment: Assignment) -> Bool {
        switch assignment.target {
        case .setting(let key): ["listen", "log-level"].contains(key.name)
        case .python(let key):
            switch key {
            case .client, .debug, .addr, .port: true
            // -s has a complaint of its own.
            case .server: true
            case .tunAddr, .tunPort: false
            }
        case .forward, .wholeForward: false
        }
    }

    private static func isReachable(_ address: ListenAddress) -> Bool {
        switch address {
        case .tcp(_, let port): port != 0
        case .unix: true
        }
    }
}
