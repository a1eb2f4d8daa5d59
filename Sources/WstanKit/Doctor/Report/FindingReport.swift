import WstanBase

/// Findings as lines for a person, and the exit status that they add up to. A value: what it returns is printed by others.
struct FindingReport {
    enum ExitStatus {
        /// sysexits(3), EX_UNAVAILABLE.
        static let unreachable: Int32 = 69
    }

    /// Whether wstand runs; nil where that cannot be told.
    var isRunning: Bool?
    private let isColoured: Bool
    /// What is looked at, in words.
    private let examined: String
    private var failed: Set<Part> = []
    private var warnings = 0

    private typealias Part = Finding.Part

    init(isColoured: Bool, examined: String) {
        self.isColoured = isColoured
        self.examined = examined
    }

    /// - Returns: one line, and another one below it for a remedy, each with its newline.
    mutating func lines(for finding: Finding) -> String {
        let mark: (word: String, colour: String)
        switch finding.level {
        case .ok:
            mark = ("ok", "32")
        case .warning:
            warnings += 1
            mark = ("warning", "33")
        case .failed(let part):
            failed.insert(part)
            mark = ("FAILED", "31;1")
        }
        let blanks = String(repeating: " ", count: Self.indent - mark.word.count)
        let word = isColoured ? "\u{1B}[\(mark.colour)m\(mark.word)\u{1B}[0m" : mark.word
        var text = "\(word)\(blanks)\(Printable.line("\(finding.subject): \(finding.text)"))\n"
        if let remedy = finding.remedy {
            text += String(repeating: " ", count: Self.indent) + "-> \(Printable.line(remedy))\n"
        }
        return text
    }

    /// A configuration that is wrong is to be corrected before anything else, and a server that is not there explains more
    /// than one that is.
    var exitStatus: Int32 {
        if failed.contains(.configuration) { return Daemon.ExitStatus.configuration }
        if failed.contains(.reach) { return ExitStatus.unreachable }
        return failed.contains(.other) ? Daemon.ExitStatus.failure : Daemon.ExitStatus.success
    }

    /// The last line.
    var summary: String {
        guard failed.isEmpty else { return "Problems found. Fix the first FAILED line first.\n" }
        let count = warnings == 1 ? "one warning" : "\(warnings) warnings"
        if isRunning == false { return "wstand is not running. Checked without a failure: \(examined).\n" }
        return warnings == 0 ? "All is well: \(examined).\n" : "It works, with \(count): \(examined).\n"
    }

    private static let indent = 9
}
