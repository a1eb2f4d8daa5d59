/// A `[forward NAME]` of a file while its lines are read.
struct ForwardDraft {
    let name: String
    /// Of the heading.
    let place: Diagnostic.Place
    private var listen: [ListenAddress] = []
    private var target: TargetAddress?
    private var transport = Forward.Transport.tcp

    init(name: String, place: Diagnostic.Place) {
        self.name = name
        self.place = place
    }

    mutating func assign(_ text: String, to key: ForwardKey) throws(ValueProblem) {
        switch key {
        case .listen:
            let more = try ListenAddress.list(text).filter { !listen.contains($0) }
            guard listen.count + more.count <= ConfigurationBounds.listenAddresses else {
                throw ValueProblem("more than \(ConfigurationBounds.listenAddresses) addresses: use fewer")
            }
            listen += more
        case .target: target = try TargetAddress(text)
        case .transport:
            guard let transport = Forward.Transport(rawValue: text.lowercased()) else {
                throw ValueProblem("takes \(Forward.Transport.allCases.map(\.rawValue).listed("or"))")
            }
            self.transport = transport
        }
    }

    mutating func reset(_ key: ForwardKey) {
        switch key {
        case .listen: listen = []
        case .target: target = nil
        case .transport: transport = .tcp
        }
    }

    /// - Parameter isRefused: tells of a key whose value was wrong, which is then not missing.
    func forward(isRefused: (ForwardKey) -> Bool, _ diagnostics: inout DiagnosticList) -> Forward? {
        if listen.isEmpty, !isRefused(.listen) {
            diagnostics.add(.error, at: place, "[forward \(name)] has no listen: add the line listen = 127.0.0.1:PORT")
        }
        if target == nil, !isRefused(.target) {
            diagnostics.add(.error, at: place, "[forward \(name)] has no target: add the line target = HOST:PORT")
        }
        guard let target, !listen.isEmpty else { return nil }
        let forward = Forward(name: name, listen: listen, target: target, transport: transport)
        if forward.hasDatagramSocketInFileSystem {
            let text = "[forward \(name)]: \(Forward.datagramSocketText)"
            diagnostics.add(.error, at: place, text)
            return nil
        }
        return forward
    }
}

extension Forward {
    /// The name behind `forward` in a heading; nil when it is not in `heading`.
    ///
    /// - Throws: a name that is missing, too long, or that a log could not show.
    package static func name(inHeading heading: String) throws(ValueProblem) -> String? {
        let words = heading.unicodeScalars.split { $0.properties.isWhitespace }
        guard let first = words.first, String(first).lowercased() == "forward" else { return nil }
        guard words.count == 2, let name = words.last.map({ String($0) }),
            name.utf8.count <= ConfigurationBounds.forwardNameLength,
            name.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw ValueProblem(
                "a forward has one name of up to \(ConfigurationBounds.forwardNameLength) visible ASCII characters:"
                    + " write [forward NAME]")
        }
        return name
    }

    /// Reads `LISTEN=HOST:PORT`, `tcp:` or `udp:` before it or nothing, which is tcp.
    package init(_ text: String, name: String) throws(ValueProblem) {
        var rest = text
        var transport = Transport.tcp
        for candidate in Transport.allCases {
            guard let after = text.suffix(after: "\(candidate.rawValue):") else { continue }
            rest = after
            transport = candidate
        }
        // The last one: a socket's path may hold others.
        guard let equals = rest.utf8.lastIndex(of: UInt8(ascii: "=")) else {
            throw ValueProblem(
                "no '=' between where to listen and the target: write 127.0.0.1:5432=db.example.com:5432")
        }
        self.init(
            name: name, listen: try ListenAddress.list(String(decoding: rest.utf8[..<equals], as: UTF8.self)),
            target: try TargetAddress(String(decoding: rest.utf8[equals...].dropFirst(), as: UTF8.self)),
            transport: transport)
        if hasDatagramSocketInFileSystem { throw ValueProblem(Self.datagramSocketText) }
    }

    fileprivate static let datagramSocketText = "datagram Unix sockets are not supported: write host:port in listen"

    fileprivate var hasDatagramSocketInFileSystem: Bool {
        switch transport {
        case .tcp: false
        case .udp:
            listen.contains {
                switch $0 {
                case .tcp: false
                case .unix: true
                }
            }
        }
    }
}
