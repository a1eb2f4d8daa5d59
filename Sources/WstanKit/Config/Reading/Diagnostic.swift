import WstanBase

/// One thing to tell the operator about the configuration, in one line that names the cause and the remedy.
///
/// Texts never quote a value: a key put in the wrong place must not reach a log.
public struct Diagnostic: Sendable, Equatable, CustomStringConvertible {
    public enum Severity: String, Sendable {
        case error
        case warning
    }

    public enum Place: Sendable, Equatable {
        case commandLine
        /// The file as a whole, by its path: it cannot be read, or something is missing from it.
        case file(String)
        /// Line and column count from 1; a column is one Unicode scalar.
        case line(String, line: Int, column: Int)

        /// Of the file; nil on the command line.
        package var path: String? {
            switch self {
            case .commandLine: nil
            case .file(let path), .line(let path, _, _): path
            }
        }
    }

    public let severity: Severity
    public let place: Place
    public let text: String

    public init(_ severity: Severity, at place: Place, _ text: String) {
        self.severity = severity
        self.place = place
        self.text = Printable.line(text)
    }

    /// Without the program's name and the severity, for where a log gives both.
    public var textWithPlace: String {
        switch place {
        case .commandLine: text
        case .file, .line: "\(placeText): \(text)"
        }
    }

    public var description: String {
        switch place {
        case .commandLine: "wstand: \(severity.rawValue): \(text)"
        case .file, .line: "\(placeText): \(severity.rawValue): \(text)"
        }
    }

    /// A path may hold anything, and a diagnostic is one line.
    private var placeText: String {
        switch place {
        case .commandLine: ""
        case .file(let path): Printable.line(path)
        case .line(let path, let line, let column): "\(Printable.line(path)):\(line):\(column)"
        }
    }
}

/// The configuration cannot be used: every problem found, warnings included, in the order of the file.
public struct ConfigurationFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// Values of sysexits(3), given as the exit status of the process.
    public enum ExitStatus: Int32, Sendable {
        /// The command line is at fault, or there was none.
        case usage = 64
        /// The file is at fault, or cannot be read.
        case configuration = 78
    }

    public let diagnostics: [Diagnostic]
    public let exitStatus: ExitStatus
    /// The whole help, when nothing at all was asked for.
    public let help: String?

    /// - Parameter diagnostics: everything that was found; nil when there is no error among it.
    package init?(of diagnostics: [Diagnostic]) {
        let errors = diagnostics.filter { $0.severity == .error }
        guard !errors.isEmpty else { return nil }
        // What is good on the command line but could be better can wait until the rest is good.
        let shown = diagnostics.filter { $0.severity == .error || $0.place != .commandLine }
        self.init(shown, exitStatus: errors.contains { $0.place == .commandLine } ? .usage : .configuration)
    }

    package init(_ diagnostics: [Diagnostic], exitStatus: ExitStatus, help: String? = nil) {
        self.diagnostics = diagnostics
        self.exitStatus = exitStatus
        self.help = help
    }

    /// What belongs on stderr: the help, if any, then one line per diagnostic. No newline at the end.
    public var description: String {
        ((help.map { [$0] } ?? []) + diagnostics.map(\.description)).joined(separator: "\n")
    }
}

/// What is wrong with one value, without the name it was given to: the reader of the value knows the name and place.
package struct ValueProblem: Error, Equatable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }
}

/// Diagnostics in the making. A file of garbage must not become a million lines in the journal.
package struct DiagnosticList {
    package private(set) var all: [Diagnostic] = []

    var isFull: Bool { all.count >= ConfigurationBounds.diagnostics }
    var hasErrors: Bool { all.contains { $0.severity == .error } }

    package mutating func add(_ severity: Diagnostic.Severity, at place: Diagnostic.Place, _ text: String) {
        add(Diagnostic(severity, at: place, text))
    }

    package mutating func add(contentsOf more: DiagnosticList) {
        for diagnostic in more.all { add(diagnostic) }
    }

    /// Once: an option may set more than one key, each of which refuses its value.
    private mutating func add(_ diagnostic: Diagnostic) {
        if !isFull, !all.contains(diagnostic) { all.append(diagnostic) }
    }

    /// Brings what several readings of some files have found into the order of the files and their lines.
    package mutating func sort(byPlaceIn files: [String]) {
        let indices = Dictionary(zip(files, files.indices), uniquingKeysWith: { first, _ in first })
        func position(_ diagnostic: Diagnostic) -> (Int, Int, Int) {
            let index = diagnostic.place.path.flatMap { indices[$0] } ?? files.count
            return if case .line(_, let line, let column) = diagnostic.place { (index, line, column) } else {
                (index, 0, 0)
            }
        }
        // Two complaints about one place stay in the order in which they were made.
        all = all.enumerated().sorted { first, second in
            let (left, right) = (position(first.element), position(second.element))
            return left == right ? first.offset < second.offset : left < right
        }.map(\.element)
    }

    /// Reading stops at a full list, so what follows is not in force: that has to be an error.
    package mutating func close(file: String) {
        guard isFull else { return }
        all.append(Diagnostic(.error, at: .file(file), "more problems than are shown: correct these first"))
    }
}
