/// What the command line asks for, with the configuration it leads to.
public enum Invocation: Sendable, Equatable {
    case run(Settings, warnings: [Diagnostic])
    /// Print a fresh key and exit: of version 1, or a server's string of version 2 and its client's.
    case generateKey(isV2: Bool)
    /// Print the string for a client of the server whose string is on stdin, and exit.
    case clientKey
    /// Print this text on stdout and exit.
    case help(String)
    /// Print the version and exit.
    case version
    /// So much of the configuration is good that the files it names can be looked at too; do so, say everything that
    /// there is to say, and exit. There may be errors among the diagnostics.
    case checkConfig(Settings, SettingOrigins, diagnostics: [Diagnostic])
    /// Print this text, the configuration in the file's own syntax, on stdout and exit.
    case printConfig(String, warnings: [Diagnostic])
    /// Look at everything between this end and the other one, say what is wrong, and exit.
    case doctor(Settings, warnings: [Diagnostic])
    /// Join stdin and stdout with the target through the client that listens there; never empty.
    case stdio(target: TargetAddress, via: [ListenAddress])

    /// What a command line is read for.
    public enum Purpose: Sendable {
        /// What it asks for.
        case stated
        /// A check of the configuration, as by --check-config.
        case check
        /// Taking the configuration over in the daemon that it has started. The result is that of a check, which is as
        /// strict as a start.
        case reload
    }
}

extension Invocation {
    /// Reads the command line, and the file it names with its drop-ins; without one no file is read.
    ///
    /// - Parameters:
    ///   - arguments: without the name of the program.
    ///   - purpose: with `check` and `reload` the result is `checkConfig`, unless the arguments ask for no configuration.
    /// - Throws: every problem of the command line (exit status 64), or else of the files and their values, in one go.
    public static func parse(
        _ arguments: [String], purpose: Purpose = .stated, in surroundings: Surroundings
    ) throws(ConfigurationFailure) -> Invocation {
        guard !arguments.isEmpty else { throw ConfigurationFailure([], exitStatus: .usage, help: HelpText.brief) }
        let words = CommandLineArguments(arguments)
        if words.asksForHelp { return .help(HelpText.text) }
        guard !words.diagnostics.hasErrors else {
            throw ConfigurationFailure(words.diagnostics.all, exitStatus: .usage)
        }
        if words.asksForVersion { return .version }
        // As in Python it needs neither URI nor key.
        if words.asksForKey { return .generateKey(isV2: words.asksForV2) }
        if words.asksForClientKey { return .clientKey }
        guard !words.asksForV2 else {
            let problem = Diagnostic(
                .error, at: .commandLine, "--v2 says which key --gen-key makes: add --gen-key, or leave it out")
            throw ConfigurationFailure([problem], exitStatus: .usage)
        }

        let commandLine = SettingsLayer(words.assignments, home: surroundings.variable("HOME"))
        if words.asksForStdio { return try StandardStreams.invocation(words, commandLine, in: surroundings) }

        let path = words.file ?? words.standardFile(in: surroundings)
        let file = try path.map { path throws(ConfigurationFailure) in
            try ConfigurationReader(path, isStrict: words.isStrict, in: surroundings)
        }
        let merge = SettingsMerge(
            file: file?.layer, filePath: path, commandLine: commandLine,
            places: InstancePlaces(file: path, variable: surroundings.variable))
        var late = DiagnosticList()
        let settings = merge.settings(isWhole: file?.isWhole ?? true, diagnostics: &late)
        let isCheck = words.asksForCheck || purpose == .check
        let onlyLooks = isCheck || words.asksForPrint
        let secrets = (file?.layer.traces.secrets ?? []) + commandLine.traces.secrets
        for secret in secrets where secret.value.isPlaceholder {
            let text = "\(Secret.placeholder) stands where --print-config has hidden a secret: put in the secret itself"
            late.add(onlyLooks ? .warning : .error, at: secret.place, text)
        }
        // Each list has its own bound: a file full of problems must not hide what is wrong with the command line.
        let all = (file?.diagnostics.all ?? []) + commandLine.diagnostics.all + late.all
        let failure = ConfigurationFailure(of: all)
        if let settings, isCheck || purpose == .reload {
            return .checkConfig(settings, merge.origins(of: settings), diagnostics: failure?.diagnostics ?? all)
        }
        if let failure { throw failure }
        // Without an error nothing is missing.
        guard let settings else { throw ConfigurationFailure(all, exitStatus: .configuration) }
        if words.asksForDoctor { return .doctor(settings, warnings: all) }
        guard words.asksForPrint else { return .run(settings, warnings: all) }
        let other = merge.settings(ofOtherEndThan: settings)
        let printed = PrintedConfiguration(settings, merge.origins(of: settings), other)
        return .printConfig(printed.text, warnings: all)
    }
}

extension CommandLineArguments {
    /// The file that a command which only looks is about when none is named, and no URI or key either: the user's own, where
    /// there is one, or else that of the system.
    package func standardFile(in surroundings: Surroundings) -> String? {
        guard asksForCheck || asksForPrint || asksForDoctor,
            !assignments.contains(where: { ["uri", "key", "key-file"].contains($0.settingIdentifier) })
        else { return nil }
        let directory =
            surroundings.variable("XDG_CONFIG_HOME").flatMap { $0.isEmpty ? nil : $0 }
            ?? surroundings.variable("HOME").map { $0 + "/.config" }
        let own = directory.map { $0 + "/wstan.conf" }
        return own.flatMap { (try? surroundings.readFile($0)) == nil ? nil : $0 } ?? "/etc/wstan.conf"
    }
}
