/// The words of the command line taken apart as Python's argparse does it, and a little more willingly: `URI` and `KEY`
/// may also stand apart, with options between them.
package struct CommandLineArguments {
    private(set) var assignments: [Assignment] = []
    package private(set) var diagnostics = DiagnosticList()
    package private(set) var file: String?
    private(set) var asksForHelp = false
    private(set) var asksForVersion = false
    private(set) var asksForKey = false
    /// What is asked for is of version 2.
    private(set) var asksForV2 = false
    private(set) var asksForClientKey = false
    package private(set) var asksForCheck = false
    package private(set) var asksForDoctor = false
    private(set) var asksForPrint = false
    private(set) var asksForStdio = false
    private(set) var isStrict = false

    private var remaining: ArraySlice<String>
    /// Words that are neither options nor their values.
    private(set) var positionals: [String] = []
    private var isClient = false
    private(set) var isServer = false

    /// - Parameter arguments: without the name of the program.
    package init(_ arguments: [String]) {
        remaining = arguments[...]
        var optionsHaveEnded = false
        while let argument = remaining.popFirst(), !diagnostics.isFull {
            if optionsHaveEnded || Self.isPositional(argument) {
                positionals.append(argument)
            } else if argument == "--" {
                optionsHaveEnded = true
            } else if argument.utf8.starts(with: "--".utf8) {
                readLong(argument)
            } else {
                readLetters(argument)
            }
        }
        if !asksForStdio { readPositionals() }
        if asksForCheck, asksForPrint { complain("--check-config and --print-config exclude each other: keep one") }
        if isClient, isServer { complain("-c/--client and -s/--server exclude each other: keep one") }
    }

    // MARK: - Words

    /// argparse also takes a negative number and a text with spaces for no option, unless they begin with one.
    private static func isPositional(_ argument: String) -> Bool {
        let scalars = argument.unicodeScalars
        guard scalars.first == "-", scalars.count > 1 else { return true }
        if argument == "--" { return false }
        let name = String(argument.prefix { $0 != "=" })
        if argument.utf8.starts(with: "--".utf8) {
            if case .unknown = match(name.suffix(after: "--") ?? "") { return name.contains(" ") }
            return false
        }
        if scalars.dropFirst().first.map({ option(letter: $0) != nil }) == true { return false }
        let digits = scalars.dropFirst().split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let isNumber = digits.allSatisfy { $0.allSatisfy { ("0"..."9").contains($0) } } && digits.last?.isEmpty == false
        return isNumber || argument.contains(" ")
    }

    private mutating func readPositionals() {
        let targets: [(name: String, key: String)] = [("URI", "uri"), ("KEY", "key")]
        guard positionals.count <= targets.count else {
            // The value of an unknown option looks like one word too many. Not quoted: a passphrase may go on here.
            if !diagnostics.hasErrors {
                complain("\(positionals.count) words where only URI and KEY can stand: quote a key that holds spaces")
            }
            return
        }
        for (value, target) in zip(positionals, targets) {
            if let key = SettingKey.all.first(where: { $0.identifier == target.key }) {
                let assignment = Assignment(target: .setting(key), name: target.name, value: value, place: .commandLine)
                // The plain URI is the first choice, wherever it stands.
                assignments.insert(assignment, at: assignment.isList ? 0 : assignments.endIndex)
            }
        }
    }

    // MARK: - Options

    private enum Match {
        case option(CommandLineOption)
        case ambiguous([String])
        case unknown
    }

    private static func match(_ name: String) -> Match {
        if let option = CommandLineOption.all.first(where: { $0.name == name }) { return .option(option) }
        guard !name.isEmpty else { return .unknown }
        let longer = CommandLineOption.all.filter { $0.name.utf8.starts(with: name.utf8) }
        let python = longer.filter(\.isPython)
        let candidates = python.isEmpty ? longer : python
        guard let first = candidates.first else { return .unknown }
        return candidates.count == 1 ? .option(first) : .ambiguous(candidates.map { "--\($0.name)" })
    }

    private static func option(letter: Unicode.Scalar) -> CommandLineOption? {
        CommandLineOption.all.first { $0.letter == Character(letter) }
    }

    private mutating func readLong(_ argument: String) {
        let parts = argument.utf8.dropFirst(2)
        let nameBytes = parts.prefix { $0 != UInt8(ascii: "=") }
        let name = String(decoding: nameBytes, as: UTF8.self)
        let hasValue = nameBytes.endIndex != parts.endIndex
        let attached = hasValue ? String(decoding: parts[nameBytes.endIndex...].dropFirst(), as: UTF8.self) : nil
        switch Self.match(name) {
        case .option(let option): consume(option, as: "--\(option.name)", attached: attached)
        case .ambiguous(let names):
            complain("--\(name) could be \(names.listed("or")): write it in full")
        case .unknown:
            let hint = Suggestion.clause(for: name, among: CommandLineOption.all.map(\.name), prefix: "--")
            let remedy = hint.isEmpty ? ": wstand --help lists them all" : hint
            complain("unknown option\(Suggestion.quoted("--" + name))\(remedy)")
        }
    }

    /// `-sd`, `-p1081`, `-sp 1081`: a letter that takes a value takes the rest of the word, else the next word.
    private mutating func readLetters(_ argument: String) {
        var rest = argument.unicodeScalars.dropFirst()
        while let letter = rest.popFirst() {
            guard let option = Self.option(letter: letter) else {
                complain("unknown short option in a word that begins with '-': wstand --help lists them all")
                return
            }
            let name = "-\(letter)"
            let isAttached = rest.first == "="
            if case .required = option.argument {
                let value = isAttached ? rest.dropFirst() : rest
                consume(option, as: name, attached: rest.isEmpty ? nil : String(value))
                return
            }
            if isAttached {
                consume(option, as: name, attached: String(rest.dropFirst()))
                return
            }
            consume(option, as: name, attached: nil)
        }
    }

    private mutating func consume(_ option: CommandLineOption, as name: String, attached: String?) {
        let value: String
        switch option.argument {
        case .none:
            guard attached == nil else {
                complain("\(name) takes no value: remove the '=' and what follows")
                return
            }
            value = "yes"
        case .attachedFlag: value = attached ?? "yes"
        case .required(let placeholder):
            // The next word is a value only if it could not be an option: argparse's rule, `--opt=-x` gets around it.
            if let attached {
                value = attached
            } else if let next = remaining.first, Self.isPositional(next) {
                value = next
                remaining.removeFirst()
            } else {
                complain("\(name) needs a value: write \(name)\(name.utf8.count > 2 ? "=" : " ")\(placeholder)")
                return
            }
        }
        act(on: option, as: name, value)
    }

    private mutating func act(on option: CommandLineOption, as name: String, _ value: String) {
        switch option.meaning {
        case .help: asksForHelp = true
        case .version: asksForVersion = true
        case .generateKey: asksForKey = true
        case .secondVersion: asksForV2 = true
        case .clientKey: asksForClientKey = true
        case .checkConfiguration: asksForCheck = true
        case .doctor: asksForDoctor = true
        case .printConfiguration: asksForPrint = true
        case .strict: isStrict = true
        case .stdio: asksForStdio = true
        case .forward: assign(.wholeForward, name, value)
        case .file:
            if value.isEmpty { complain("\(name) needs the path of a file") } else { file = value }
        case .python(let key):
            isClient = isClient || key == .client
            isServer = isServer || key == .server
            assign(.python(key), name, value)
        case .settings(let keys):
            for key in keys { assign(.setting(key), name, value) }
        }
    }

    private mutating func assign(_ target: Assignment.Target, _ name: String, _ value: String) {
        assignments.append(Assignment(target: target, name: name, value: value, place: .commandLine))
    }

    private mutating func complain(_ text: String) {
        diagnostics.add(.error, at: .commandLine, text)
    }
}
