/// The sense of a file's lines: which setting each one sets, and what to say of those that set none.
struct ConfigurationFile {
    private(set) var assignments: [Assignment] = []
    /// One for each heading, which the assignments tell by its index.
    private(set) var forwards: [ForwardDraft] = []
    private(set) var diagnostics: DiagnosticList
    /// Every line could be taken apart, so that what is not here is truly missing.
    let isWhole: Bool

    private enum Place {
        case top
        case section(SettingKey.Section)
        case forward(Int)
        /// Its heading has been complained of; once is enough.
        case ignored
    }

    private let path: String
    /// What an unknown name is: a file of a later version may hold some on purpose.
    private let unknown: Diagnostic.Severity
    private var place = Place.top
    private var lineOfIdentifier: [String: Int] = [:]
    /// Forwards of the files before that this one has more to say of.
    private var continued: Set<Int> = []
    private let inherited: Int

    /// - Parameter drafts: the forwards of the files that this one is read over.
    init(_ bytes: [UInt8], path: String, isStrict: Bool, over drafts: [ForwardDraft] = []) {
        forwards = drafts
        inherited = drafts.count
        let text = ConfigurationText(bytes, path: path)
        diagnostics = text.diagnostics
        isWhole = !text.diagnostics.hasErrors
        self.path = path
        unknown = isStrict ? .error : .warning
        for line in text.lines where !diagnostics.isFull {
            switch line.content {
            case .section(let name): enter(name, line)
            case .entry(let name, let value, let column): read(name, value, line, valueColumn: column)
            }
        }
    }

    private mutating func enter(_ written: String, _ line: ConfigurationLine) {
        let name = written.lowercased()
        if name == "wstan" || name == "default" {
            place = .top
        } else if let section = SettingKey.Section(rawValue: name) {
            place = .section(section)
        } else if !enterForward(written, line) {
            place = .ignored
            let known = ["wstan"] + SettingKey.Section.allCases.map(\.rawValue) + ["forward"]
            let hint = Suggestion.clause(for: name, among: known)
            add(unknown, line, "unknown section\(Suggestion.quoted(name)): nothing in it is in force\(hint)")
        }
    }

    /// - Returns: false when it is another section.
    private mutating func enterForward(_ heading: String, _ line: ConfigurationLine) -> Bool {
        do throws(ValueProblem) {
            guard let name = try Forward.name(inHeading: heading) else { return false }
            if let index = forwards.firstIndex(where: { $0.name == name }) {
                guard index < inherited, continued.insert(index).inserted else {
                    throw ValueProblem("[forward \(name)] is given again: give each forward a name of its own")
                }
                place = .forward(index)
                return true
            }
            guard forwards.count < ConfigurationBounds.forwards else {
                throw ValueProblem("more than \(ConfigurationBounds.forwards) forwards: use fewer")
            }
            place = .forward(forwards.count)
            forwards.append(ForwardDraft(name: name, place: .line(path, line: line.number, column: line.column)))
        } catch {
            place = .ignored
            add(.error, line, error.text)
        }
        return true
    }

    private mutating func read(_ written: String, _ value: String, _ line: ConfigurationLine, valueColumn: Int) {
        // Python lowers the case of names and takes both spellings.
        let name = String(written.lowercased().map { $0 == "_" ? "-" : $0 })
        let target: Assignment.Target
        switch place {
        case .ignored: return
        case .top:
            guard let found = Self.target(name, in: nil) else { return reportUnknown(name, in: nil, line) }
            target = found
        case .section(let section):
            guard let found = Self.target(name, in: section) else { return reportUnknown(name, in: section, line) }
            target = found
        case .forward(let index):
            guard let key = ForwardKey(rawValue: name) else { return reportUnknownOfForward(name, line) }
            target = .forward(index, key)
        }
        let assignment = Assignment(
            target: target, name: name, value: value,
            place: .line(path, line: line.number, column: valueColumn))
        if !assignment.isList, let earlier = lineOfIdentifier.updateValue(line.number, forKey: assignment.identifier) {
            add(.warning, line, "\(name) is given again: line \(earlier) is not in force, remove one of them")
        }
        assignments.append(assignment)
    }

    private static func target(_ name: String, in section: SettingKey.Section?) -> Assignment.Target? {
        if let key = SettingKey.all.first(where: { $0.section == section && $0.name == name }) { return .setting(key) }
        guard section == nil else { return nil }
        if let key = SettingKey.all.first(where: { $0.flat == name }) { return .setting(key) }
        return PythonKey(rawValue: name).map { .python($0) }
    }

    private mutating func reportUnknown(_ name: String, in section: SettingKey.Section?, _ line: ConfigurationLine) {
        let homes = ([nil] + SettingKey.Section.allCases).filter { Self.target(name, in: $0) != nil }
        if !homes.isEmpty {
            let names = homes.map { $0.map { "[\($0.rawValue)]" } ?? "[wstan] or before any section" }
            add(unknown, line, "\(name) is not in force here: move it to \(names.listed("or"))")
            return
        }
        var known = SettingKey.all.filter { $0.section == section }.map(\.name)
        if section == nil { known += PythonKey.allCases.map(\.rawValue) + SettingKey.all.compactMap(\.flat) }
        let hint = Suggestion.clause(for: name, among: known)
        let quoted = written(line).map(Suggestion.quoted) ?? ""
        add(unknown, line, "unknown key\(quoted): it is not in force\(hint)")
    }

    private mutating func reportUnknownOfForward(_ name: String, _ line: ConfigurationLine) {
        let hint = Suggestion.clause(for: name, among: ForwardKey.allCases.map(\.rawValue))
        let quoted = written(line).map(Suggestion.quoted) ?? ""
        add(unknown, line, "unknown key\(quoted) of a forward: it is not in force\(hint)")
    }

    /// The name before its case was lowered: mixed case is a sign of a mislaid secret.
    private func written(_ line: ConfigurationLine) -> String? {
        guard case .entry(let name, _, _) = line.content else { return nil }
        return name
    }

    private mutating func add(_ severity: Diagnostic.Severity, _ line: ConfigurationLine, _ text: String) {
        diagnostics.add(severity, at: .line(path, line: line.number, column: line.column), text)
    }
}
