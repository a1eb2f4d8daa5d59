/// What the command line asks for, with the configuration it leads to.
public enum Invocation: Sendable, Equatable {
    case run(Settings, warnings: [Diagnostic])
    /// Print a fresh key and exit.
    case generateKey
    /// Print this text on stdout and exit.
    case help(String)
    /// Print the version and exit.
    case version
    /// The configuration is good; say so, with the warnings, and exit.
    case checkConfig(Settings, warnings: [Diagnostic])
    /// Look at everything between this end and the other one, say what is wrong, and exit.
    case doctor(Settings, warnings: [Diagnostic])
    /// Join stdin and stdout with the target through the client that listens there; never empty.
    case stdio(target: TargetAddress, via: [ListenAddress])
}

extension Invocation {
    /// Reads the command line and the file it names, if any; without one no file is read.
    ///
    /// - Parameters:
    ///   - arguments: without the name of the program.
    ///   - readFile: gives the bytes of a path. It need not read more than one byte beyond
    ///     `ConfigurationBounds.fileSize`; the description of its error becomes part of the diagnostic.
    /// - Throws: every problem of the command line (exit status 64), or else of the file and its values, in one go.
    public static func parse(
        _ arguments: [String], readFile: (String) throws -> [UInt8]
    ) throws(ConfigurationFailure) -> Invocation {
        guard !arguments.isEmpty else { throw ConfigurationFailure([], exitStatus: .usage, help: HelpText.text) }
        let words = CommandLineArguments(arguments)
        if words.asksForHelp { return .help(HelpText.text) }
        guard !words.diagnostics.hasErrors else {
            throw ConfigurationFailure(words.diagnostics.all, exitStatus: .usage)
        }
        if words.asksForVersion { return .version }
        // As in Python it needs neither URI nor key.
        if words.asksForKey { return .generateKey }

        let commandLine = SettingsLayer(words.assignments)
        if words.asksForStdio { return try StandardStreams.invocation(words, commandLine, readFile: readFile) }

        let file = try words.file.map { path throws(ConfigurationFailure) in
            try ReadFile(path, isStrict: words.isStrict, readFile: readFile)
        }
        var late = DiagnosticList()
        let settings = Settings.merged(
            file: file?.layer, at: words.file, isWhole: file?.isWhole ?? true, commandLine: commandLine,
            diagnostics: &late)
        // Each list has its own bound: a file full of problems must not hide what is wrong with the command line.
        let all = (file?.diagnostics.all ?? []) + commandLine.diagnostics.all + late.all
        let errors = all.filter { $0.severity == .error }
        guard errors.isEmpty, let settings else {
            let isUsage = errors.contains { $0.place == .commandLine }
            // What is good on the command line but could be better can wait until the rest is good.
            let shown = all.filter { $0.severity == .error || $0.place != .commandLine }
            throw ConfigurationFailure(shown, exitStatus: isUsage ? .usage : .configuration)
        }
        if words.asksForDoctor { return .doctor(settings, warnings: all) }
        return words.asksForCheck ? .checkConfig(settings, warnings: all) : .run(settings, warnings: all)
    }
}

extension Invocation {
    /// A file in its layer, with everything that there is to say of its lines.
    struct ReadFile {
        let layer: SettingsLayer
        let diagnostics: DiagnosticList
        let isWhole: Bool

        init(
            _ path: String, isStrict: Bool, readFile: (String) throws -> [UInt8]
        ) throws(ConfigurationFailure) {
            let bytes: [UInt8]
            do {
                bytes = try readFile(path)
            } catch {
                let text = "cannot be read (\(error)): check the path and its permissions"
                let problem = Diagnostic(.error, at: .file(path), text)
                throw ConfigurationFailure([problem], exitStatus: .configuration)
            }
            let file = ConfigurationFile(bytes, path: path, isStrict: isStrict)
            layer = SettingsLayer(file.assignments, forwards: file.forwards)
            var found = file.diagnostics
            found.add(contentsOf: layer.diagnostics)
            found.sortByLine()
            found.close(file: path)
            diagnostics = found
            isWhole = file.isWhole
        }
    }
}
