/// A part of setting up: it says what has to be seen of the host, and plans by what was seen. It touches nothing.
protocol SetupStep {
    /// Paths of files; one that ends in "/" is a directory, of which the *.conf are meant.
    var lookedAt: [String] { get }

    /// - Parameter earlier: what the steps before it will do.
    /// - Throws: when it would lose something, or cannot come to what was asked for. Nothing has been done then.
    func deeds(on host: HostObservation, after earlier: [Deed]) throws(Failure) -> [Deed]
}

/// What was seen of a host, before anything is planned.
struct HostObservation {
    /// Those that exist.
    var files: [String: [UInt8]] = [:]
    /// For a file that exists: the name that a copy of it could have.
    var backups: [String: String] = [:]
    /// Units that are active, such as `wstand.service`; nil where systemd does not run, or in an image that is being made.
    var activeUnits: Set<String>?
    /// Those that are started at every boot.
    var enabledUnits: Set<String> = []

    func text(_ path: String) -> ConfigurationText? {
        files[path].map { ConfigurationText(String(decoding: $0, as: UTF8.self)) }
    }

    /// A file with its drop-ins.
    func layers(of path: String) -> ConfigurationLayers {
        let dropIns = files.keys.filter { $0.hasPrefix(path + ".d/") }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        return ConfigurationLayers(([path] + dropIns).compactMap { path in text(path).map { (path, $0) } })
    }

    func isActive(_ unit: String) -> Bool { activeUnits?.contains(unit) ?? false }
}

/// What one step does to the host, or leaves as it is. A value, which can be shown before it is done.
enum Deed: Equatable {
    struct Writing: Equatable {
        let path: String
        let text: String
        let readers: SetupFile.Readers
        /// A few words on what is in it.
        let what: String
        /// There is another one in its place.
        var replaces = false
        /// Where that one is kept.
        var backup: String?
    }

    case keep(_ path: String, why: String)
    case write(Writing)
    /// - Parameter backup: where a copy is kept.
    case remove(_ path: String, what: String, backup: String? = nil)
    /// A command, and what it is for.
    case run([String], what: String)

    var changesFiles: Bool {
        switch self {
        case .write, .remove: true
        case .keep, .run: false
        }
    }
}

extension Deed.Writing {
    /// A file as it should be, beside what was found in its place.
    ///
    /// - Parameters:
    ///   - isOwn: what is there was written by this program, and nothing else is in it.
    ///   - force: another file is replaced, and kept as a copy; without it, it is an error.
    func deed(on host: HostObservation, isOwn: Bool = false, force: Bool) throws(Failure) -> Deed {
        guard let found = host.files[path] else { return .write(self) }
        guard found != Array(text.utf8) else { return .keep(path, why: what) }
        guard isOwn || force else {
            throw Failure("\(path) exists and differs. Keep it, or replace it with --force (a copy is kept).")
        }
        var writing = self
        writing.replaces = true
        writing.backup = isOwn ? nil : host.backups[path]
        return .write(writing)
    }
}

/// All that is to be done, in order.
struct SetupPlan: Equatable {
    let deeds: [Deed]

    init(_ steps: [any SetupStep], on host: HostObservation) throws(Failure) {
        var deeds: [Deed] = []
        for step in steps { deeds += try step.deeds(on: host, after: deeds) }
        self.deeds = deeds
    }

    /// - Returns: what will be in that file, if one of them writes it.
    func text(of path: String) -> String? {
        for case .write(let writing) in deeds where writing.path == path { return writing.text }
        return nil
    }

    /// What was done, a line for each.
    var report: String { deeds.map { line($0) }.joined(separator: "\n") }

    /// What was done by one of them.
    func line(_ deed: Deed) -> String { padded(Self.done(deed)) }

    /// What would be done, and what would be in the files. Keys are not shown.
    var preview: String {
        var text = "Plan (--dry-run changes nothing):\n\n"
        text += deeds.map { padded(Self.planned($0)) }.joined(separator: "\n")
        for case .write(let writing) in deeds where writing.readers == .everybody {
            let lines = writing.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            text += "\n\n\(writing.path):\n" + lines.map { $0.isEmpty ? "" : "    \($0)" }.joined(separator: "\n")
        }
        return text
    }

    private static func done(_ deed: Deed) -> (String, String) {
        switch deed {
        case .keep(let path, let why): (path, "unchanged: \(why)")
        case .write(let writing):
            (writing.path, (writing.replaces ? "rewritten: " : "written: ") + writing.what + backup(writing.backup))
        case .remove(let path, let what, let copy): (path, "removed: " + what + backup(copy))
        case .run(let command, let what): (command.joined(separator: " "), "done: \(what)")
        }
    }

    private static func planned(_ deed: Deed) -> (String, String) {
        switch deed {
        case .keep(let path, let why): (path, "unchanged: \(why)")
        case .write(let writing):
            (writing.path, (writing.replaces ? "to rewrite: " : "to write: ") + writing.what + backup(writing.backup))
        case .remove(let path, let what, let copy): (path, "to remove: " + what + backup(copy))
        case .run(let command, let what): (command.joined(separator: " "), "to run: \(what)")
        }
    }

    private static func backup(_ path: String?) -> String {
        path.map { " (former file: \($0))" } ?? ""
    }

    private func padded(_ line: (subject: String, text: String)) -> String {
        let width = deeds.map { Self.done($0).0.count }.max() ?? 0
        return Printable.padded(line.subject, to: width) + "  " + line.text
    }
}
