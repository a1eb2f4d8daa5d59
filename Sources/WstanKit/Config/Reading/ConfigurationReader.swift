/// A file and its drop-ins in one layer, with everything that there is to say of their lines.
struct ConfigurationReader {
    let layer: SettingsLayer
    /// In the order of the files, and within each of its lines.
    let diagnostics: DiagnosticList
    /// Every line could be taken apart, so that what is not here is truly missing.
    let isWhole: Bool

    /// - Throws: that the file itself cannot be read. What is wrong with a drop-in is among the diagnostics.
    init(_ path: String, isStrict: Bool, in surroundings: Surroundings) throws(ConfigurationFailure) {
        let bytes: [UInt8]
        do {
            bytes = try surroundings.readFile(path)
        } catch {
            let problem = Diagnostic(.error, at: .file(path), Self.unreadable(error))
            throw ConfigurationFailure([problem], exitStatus: .configuration)
        }
        var last = ConfigurationFile(bytes, path: path, isStrict: isStrict)
        var assignments = last.assignments
        var found = last.diagnostics
        var isWhole = last.isWhole
        let dropIns = DropIns(of: path, fileNames: surroundings.fileNames)
        found.add(contentsOf: dropIns.diagnostics)
        for dropIn in dropIns.paths where !found.isFull {
            do {
                let bytes = try surroundings.readFile(dropIn)
                last = ConfigurationFile(bytes, path: dropIn, isStrict: isStrict, over: last.forwards)
                assignments += last.assignments
                found.add(contentsOf: last.diagnostics)
                isWhole = isWhole && last.isWhole
            } catch {
                found.add(.error, at: .file(dropIn), Self.unreadable(error))
                isWhole = false
            }
        }
        layer = SettingsLayer(assignments, forwards: last.forwards, home: surroundings.variable("HOME"))
        found.add(contentsOf: layer.diagnostics)
        for secret in layer.traces.secrets where secret.value.isWorthHiding && !secret.value.isPlaceholder {
            guard let path = secret.place.path, surroundings.isWorldReadable(path) else { continue }
            found.add(
                .warning, at: secret.place,
                "every user of this host can read this secret: \(surroundings.closingCommand(path))")
        }
        // Who can change a configuration can choose another server, another key, or a program of their own for a front.
        for file in [path] + dropIns.paths {
            for text in surroundings.changes(file) { found.add(.warning, at: .file(file), text) }
        }
        found.sort(byPlaceIn: [path] + dropIns.paths)
        found.close(file: path)
        diagnostics = found
        self.isWhole = isWhole
    }

    private static func unreadable(_ error: any Error) -> String {
        "cannot be read (\(error)): check the path and its permissions"
    }
}
