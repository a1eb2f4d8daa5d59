/// What one source, the file or the command line, says: read and checked, but not yet weighed against the other.
struct SettingsLayer {
    struct Placed<Value> {
        let value: Value
        let place: Diagnostic.Place
    }

    /// In the order of preference, each once.
    private(set) var uris: [Placed<ServerURI>] = []
    private(set) var clientListen = ListenChoice()
    private(set) var serverListen = ListenChoice()
    private(set) var forwards: [Forward] = []
    private(set) var diagnostics = DiagnosticList()
    /// Keys whose value was refused, so that they are not reported as missing too.
    private(set) var refused: Set<String> = []

    private var statedMode: Placed<Settings.Mode>?
    private var isServer: Placed<Bool>?
    private var isClient: Placed<Bool>?
    private var keyText: Placed<KeySource>?
    private var keyFile: Placed<KeySource>?
    /// Only of the keys in `stated` does it say anything.
    private var values = Settings.standard(.standard)
    /// By the settings' identifiers.
    private var stated: Set<String> = []
    private(set) var traces = SettingPlaces()
    private var drafts: [ForwardDraft]
    private let home: String?

    /// What later files say of a single value counts instead of what earlier ones say; lists add up.
    ///
    /// - Parameters:
    ///   - assignments: in the order of the files and their lines.
    ///   - drafts: the forwards that the files have headings of, which the assignments tell by their index.
    ///   - home: what stands for `~` at the beginning of a path.
    init(_ assignments: [Assignment], forwards drafts: [ForwardDraft] = [], home: String? = nil) {
        self.drafts = drafts
        self.home = home
        for key in SettingKey.all { key.kind.clear(&values) }
        for assignment in assignments where !diagnostics.isFull { assign(assignment) }
        checkContradictions()
        finishForwards()
    }

    var key: KeySource? { keyFile?.value ?? keyText?.value }

    /// Python's `server` wins over its `client`, which is always set there.
    var mode: Settings.Mode? {
        if let statedMode { return statedMode.value }
        if isServer?.value == true { return .server }
        return isClient?.value == true ? .client : nil
    }

    func place(of forward: Forward) -> Diagnostic.Place {
        drafts.first { $0.name == forward.name }?.place ?? .commandLine
    }

    func apply(to settings: inout Settings) {
        for key in SettingKey.all where stated.contains(key.identifier) { key.kind.copy(values, &settings) }
    }

    private mutating func assign(_ assignment: Assignment) {
        if assignment.value.isEmpty {
            guard case .commandLine = assignment.place else { return reset(assignment) }
            return refuse(assignment, ValueProblem("the value is empty: give one or leave the option out"))
        }
        do throws(ValueProblem) {
            switch assignment.target {
            case .setting(let key): try assign(assignment, to: key)
            case .python(let key): try assign(assignment, to: key)
            case .forward(let index, let key): try drafts[index].assign(assignment.value, to: key)
            case .wholeForward: try addForward(assignment.value)
            }
            if assignment.isInForce { traces.record(assignment) }
        } catch {
            refuse(assignment, error)
        }
    }

    private mutating func assign(_ assignment: Assignment, to key: SettingKey) throws(ValueProblem) {
        let text = key.kind.isPath ? try expandingHome(assignment.value) : assignment.value
        switch key.kind.reading {
        case .value(let read):
            try read(text, &values)
            stated.insert(key.identifier)
        case .mode:
            guard let mode = Settings.Mode(rawValue: text.lowercased()) else {
                throw ValueProblem("takes server or client")
            }
            statedMode = Placed(value: mode, place: assignment.place)
            if isServer.map({ isFormer($0.place, to: assignment) }) == true { isServer = nil }
            if isClient.map({ isFormer($0.place, to: assignment) }) == true { isClient = nil }
        case .uri:
            try addServer(Placed(value: try ServerURI(text), place: assignment.place))
        case .key:
            keyText = Placed(value: try KeySource(key: text), place: assignment.place)
            warnOfKey(assignment)
            if let other = keyFile, isFormer(other.place, to: assignment) {
                keyFile = nil
                traces.forget("key-file")
            }
        case .keyFile:
            keyFile = Placed(value: try KeySource(keyFile: text), place: assignment.place)
            if let other = keyText, isFormer(other.place, to: assignment) {
                keyText = nil
                traces.forget("key")
            }
        case .listen(let mode):
            let addresses = try ListenAddress.list(text)
            forgetFormerHost(of: mode, assignment)
            try addListen(addresses, for: mode, assignment.place)
        }
    }

    private mutating func assign(_ assignment: Assignment, to key: PythonKey) throws(ValueProblem) {
        let text = assignment.value
        let place = assignment.place
        switch key {
        case .client, .server:
            let flag = Placed(value: try Flag.read(text), place: place)
            if key == .client { isClient = flag } else { isServer = flag }
            if flag.value { forgetFormerMode(assignment, but: key) }
        case .debug:
            if try Flag.read(text) {
                values.logLevel = .debug
                stated.insert("log-level")
            }
        case .addr:
            clientListen.hosts = try Self.hosts(text)
            clientListen.place = place
        case .tunAddr:
            serverListen.hosts = try Self.hosts(text)
            serverListen.place = place
        case .port:
            clientListen.port = try Self.port(text)
            clientListen.place = place
        case .tunPort:
            let port = try Self.port(text)
            // Python takes 0 for "not given" here, and only here.
            serverListen.port = port == 0 ? nil : port
            serverListen.place = place
        }
    }

    /// What a shell does with `~/`, but not within a file, nor behind a `=`.
    private func expandingHome(_ path: String) throws(ValueProblem) -> String {
        guard let rest = path.suffix(after: "~/") else { return path }
        guard let home, home.utf8.first == UInt8(ascii: "/") else {
            throw ValueProblem("the variable HOME is not set, so ~ is unknown: write the path from the first / on")
        }
        return home + "/" + rest
    }

    /// Of two files that say the same in other words, the later one counts; within one they contradict each other.
    private func isFormer(_ place: Diagnostic.Place, to assignment: Assignment) -> Bool {
        place.path != assignment.place.path
    }

    private mutating func forgetFormerMode(_ assignment: Assignment, but key: PythonKey) {
        if let statedMode, isFormer(statedMode.place, to: assignment) { self.statedMode = nil }
        if key == .client, let isServer, isFormer(isServer.place, to: assignment) { self.isServer = nil }
        if key == .server, let isClient, isFormer(isClient.place, to: assignment) { self.isClient = nil }
    }

    /// Python's host and port.
    private mutating func forgetFormerHost(of mode: Settings.Mode, _ assignment: Assignment) {
        let choice = mode == .client ? clientListen : serverListen
        guard choice.addresses.isEmpty, let place = choice.place, isFormer(place, to: assignment) else { return }
        traces.forget("\(mode.rawValue).listen")
        switch mode {
        case .client: clientListen = ListenChoice()
        case .server: serverListen = ListenChoice()
        }
    }

    private mutating func addServer(_ server: Placed<ServerURI>) throws(ValueProblem) {
        guard !uris.contains(where: { $0.value == server.value }) else { return }
        guard uris.count < ConfigurationBounds.servers else {
            throw ValueProblem("more than \(ConfigurationBounds.servers) servers: use fewer")
        }
        uris.append(server)
    }

    private mutating func addForward(_ text: String) throws(ValueProblem) {
        guard forwards.count < ConfigurationBounds.forwards else {
            throw ValueProblem("more than \(ConfigurationBounds.forwards) forwards: use fewer")
        }
        forwards.append(try Forward(text, name: String(forwards.count + 1)))
    }

    private mutating func finishForwards() {
        for (index, draft) in drafts.enumerated() where !diagnostics.isFull {
            let isRefused = { [refused] (key: ForwardKey) in
                refused.contains(Assignment.identifier(ofForward: index, key))
            }
            if let forward = draft.forward(isRefused: isRefused, &diagnostics) { forwards.append(forward) }
        }
    }

    private mutating func addListen(
        _ addresses: [ListenAddress], for mode: Settings.Mode, _ place: Diagnostic.Place
    ) throws(ValueProblem) {
        let choice = mode == .client ? clientListen : serverListen
        guard choice.addresses.count + addresses.count <= ConfigurationBounds.listenAddresses else {
            throw ValueProblem("more than \(ConfigurationBounds.listenAddresses) addresses: use fewer")
        }
        switch mode {
        case .client:
            clientListen.addresses += addresses
            clientListen.place = place
        case .server:
            serverListen.addresses += addresses
            serverListen.place = place
        }
    }

    /// An empty value in a file takes back what stood above it, as if the line were a comment.
    private mutating func reset(_ assignment: Assignment) {
        if let identifier = assignment.settingIdentifier { traces.forget(identifier) }
        switch assignment.target {
        case .forward(let index, let key): drafts[index].reset(key)
        case .wholeForward: forwards = []
        case .python(.client): isClient = nil
        case .python(.server): isServer = nil
        case .python(.debug): break
        case .python(.addr): clientListen.hosts = []
        case .python(.tunAddr): serverListen.hosts = []
        case .python(.port): clientListen.port = nil
        case .python(.tunPort): serverListen.port = nil
        case .setting(let key):
            switch key.kind.reading {
            case .value:
                stated.remove(key.identifier)
                key.kind.clear(&values)
            case .mode: statedMode = nil
            case .uri: uris = []
            case .key: keyText = nil
            case .keyFile: keyFile = nil
            case .listen(.client): clientListen.addresses = []
            case .listen(.server): serverListen.addresses = []
            }
        }
    }

    private mutating func checkContradictions() {
        if keyText != nil, let keyFile {
            diagnostics.add(.error, at: keyFile.place, "key and key-file are both given: keep one")
        }
        for (choice, names) in [(clientListen, "addr and port"), (serverListen, "tun-addr and tun-port")] {
            if choice.isContradictory, let place = choice.place {
                diagnostics.add(.error, at: place, "listen and Python's \(names) are both given: keep listen")
            }
        }
        let opposite = statedMode?.value == .server ? isClient : isServer
        if let statedMode, let opposite, opposite.value {
            let other = statedMode.value == .server ? "client" : "server"
            let text = "\(other) contradicts the mode that is given too, \(statedMode.value.rawValue): keep one of them"
            diagnostics.add(.error, at: opposite.place, text)
        } else if statedMode == nil, isServer?.value == true, let isClient, isClient.value {
            diagnostics.add(.warning, at: isClient.place, "client and server are both set; server wins: remove one")
        }
    }

    private mutating func warnOfKey(_ assignment: Assignment) {
        switch assignment.place {
        case .commandLine:
            let text = "a key on the command line shows in the process list: put it in a file, name it with --key-file"
            diagnostics.add(.warning, at: assignment.place, text)
        case .file, .line:
            // ConfigParser interpolates, so that a file written for Python doubles its "%".
            if assignment.value.contains("%%") {
                let text = "Python's wstan reads %% as one %, here it is two: write a single % if that is meant"
                diagnostics.add(.warning, at: assignment.place, text)
            }
            if Self.seemsCommented(assignment.value) {
                let text = "what looks like a comment is taken as part of the key: a comment needs a line of its own"
                diagnostics.add(.warning, at: assignment.place, text)
            }
        }
    }

    private mutating func refuse(_ assignment: Assignment, _ problem: ValueProblem) {
        refused.insert(assignment.identifier)
        var text = "\(assignment.name): \(problem.text)"
        if case .line = assignment.place, Self.seemsCommented(assignment.value) {
            text += " (a comment needs a line of its own)"
        }
        diagnostics.add(.error, at: assignment.place, text)
    }

    private static func seemsCommented(_ value: String) -> Bool { value.contains(" #") || value.contains(" ;") }

    private static func hosts(_ text: String) throws(ValueProblem) -> [String] {
        var hosts: [String] = []
        for item in ListItems.split(text) { hosts.append(try HostPort.host(ListenAddress.withoutStar(item))) }
        guard hosts.count <= ConfigurationBounds.listenAddresses else {
            throw ValueProblem("more than \(ConfigurationBounds.listenAddresses) addresses: use fewer")
        }
        return hosts
    }

    private static func port(_ text: String) throws(ValueProblem) -> UInt16 {
        guard let count = Quantity(text)?.count, let port = UInt16(exactly: count) else {
            throw ValueProblem("takes a port from 0 to 65535")
        }
        return port
    }
}
