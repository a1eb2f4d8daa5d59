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

        var found = DiagnosticList()
        var fileLayer: SettingsLayer?
        var isWhole = true
        if let path = words.file {
            let bytes: [UInt8]
            do {
                bytes = try readFile(path)
            } catch {
                let text = "cannot be read (\(error)): check the path and its permissions"
                let problem = Diagnostic(.error, at: .file(path), text)
                throw ConfigurationFailure([problem], exitStatus: .configuration)
            }
            let file = ConfigurationFile(bytes, path: path, isStrict: words.isStrict)
            let layer = SettingsLayer(file.assignments)
            found.add(contentsOf: file.diagnostics)
            found.add(contentsOf: layer.diagnostics)
            found.sortByLine()
            found.close(file: path)
            fileLayer = layer
            isWhole = file.isWhole
        }
        let commandLine = SettingsLayer(words.assignments)
        var late = DiagnosticList()
        let settings = Settings.merged(
            file: fileLayer, at: words.file, isWhole: isWhole, commandLine: commandLine, diagnostics: &late)
        // Each list has its own bound: a file full of problems must not hide what is wrong with the command line.
        let all = found.all + commandLine.diagnostics.all + late.all
        let errors = all.filter { $0.severity == .error }
        guard errors.isEmpty, let settings else {
            let isUsage = errors.contains { $0.place == .commandLine }
            // What is good on the command line but could be better can wait until the rest is good.
            let shown = all.filter { $0.severity == .error || $0.place != .commandLine }
            throw ConfigurationFailure(shown, exitStatus: isUsage ? .usage : .configuration)
        }
        return words.asksForCheck ? .checkConfig(settings, warnings: all) : .run(settings, warnings: all)
    }
}
