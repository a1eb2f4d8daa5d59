import WstanBase
import WstanConfig
import WstanCore

/// Where the process is to listen and what for, as a value: what the configuration says, or instead what a service manager
/// has passed.
struct ListenPlan: Sendable {
    enum Source: Equatable, Sendable {
        case place(ListenAddresses.Place)
        case passed(PassedSocket)

        var isPassed: Bool {
            if case .passed = self { true } else { false }
        }
    }

    enum Purpose: Equatable, Sendable {
        /// For user agents or tunnels, which say themselves where they go.
        case service
        case connections(to: Address)
        case datagrams(to: Address)

        var isForDatagrams: Bool {
            if case .datagrams = self { true } else { false }
        }
    }

    struct Entry: Sendable {
        /// The setting that it comes from, or what a service manager calls it.
        let name: String
        /// Of a `[forward NAME]`.
        var forward: String?
        let source: Source
        let purpose: Purpose
        /// The address of the configuration that it stands for with others, of which this host may lack some; nil: it stands
        /// alone.
        var group: ListenAddress?
        /// Another entry serves a part of that address, so this one may be missing alone.
        var isRest = false

        /// The setting, as it is written.
        fileprivate var title: String { forward == nil ? name : "[\(name)]" }

        /// Where it is, as a person would write it.
        fileprivate var placeText: String {
            switch source {
            case .place(.network(let address)): "\(address)"
            case .place(.unix(let path)): "unix:\(path)"
            case .passed(let socket): socket.place
            }
        }

        /// Whether both stand for the same address of the configuration.
        func isSibling(of other: Entry) -> Bool { group != nil && group == other.group && forward == other.forward }

        /// Whether the same socket serves for both.
        func isAt(_ other: Entry) -> Bool {
            source == other.source && purpose.isForDatagrams == other.purpose.isForDatagrams
        }

        /// Whether there cannot be a socket for each: one covers the other.
        func overlaps(_ other: Entry) -> Bool {
            guard case .place(let mine) = source, case .place(let theirs) = other.source,
                purpose.isForDatagrams == other.purpose.isForDatagrams
            else { return false }
            return ListenAddresses.covers(mine, theirs) || ListenAddresses.covers(theirs, mine)
        }

        /// Whether both are sockets of the same kind at one port, which can be one only if they are at different addresses.
        func hasPort(of other: Entry) -> Bool {
            guard case .place(.network(let mine)) = source, case .place(.network(let theirs)) = other.source else {
                return false
            }
            return mine.port == theirs.port && mine.port != 0 && purpose.isForDatagrams == other.purpose.isForDatagrams
        }
    }

    private(set) var entries: [Entry] = []
    /// Settings in whose place sockets were passed, and what they say.
    private(set) var unused: [(setting: String, places: [ListenAddress])] = []
    /// What `listen` says of its own, if the sockets that were passed in its place are elsewhere.
    private(set) var replaced: [ListenAddress] = []
    private(set) var warnings: [String] = []
    private let settings: Settings

    /// Looks names up, for which it may wait.
    init(_ settings: Settings, _ activation: SocketActivation) throws(ListenAddresses.Failure) {
        self.settings = settings
        if activation.listeners.isEmpty {
            entries = try Self.entries(settings.listen) {
                Entry(name: "listen", source: $0, purpose: .service, group: $1, isRest: $2)
            }
        } else {
            if !Self.has(portsOf: settings.listen, activation.listeners) { unused.append(("listen", settings.listen)) }
            if !settings.listensByDefault, !settings.listen.agree(with: activation.listeners.compactMap(\.address)) {
                replaced = settings.listen
            }
            entries = activation.listeners.map { Entry(name: $0.name, source: .passed($0), purpose: .service) }
        }
        guard settings.mode == .client else { return }
        for forward in settings.forwards { try add(forward, activation.forwards[forward.name]) }
        try checkNoneOverlap()
    }

    /// Of one setting those that overlap have become one. Of two they serve different things.
    private func checkNoneOverlap() throws(ListenAddresses.Failure) {
        for (index, entry) in entries.enumerated() {
            guard let other = entries[..<index].first(where: { $0.overlaps(entry) }) else { continue }
            throw ListenAddresses.Failure(
                description: "cannot listen on \(entry.placeText) for \(entry.title): \(other.title) has "
                    + "\(other.placeText) already; choose another port for one of them")
        }
    }

    private mutating func add(_ forward: Forward, _ passed: [PassedSocket]?) throws(ListenAddresses.Failure) {
        let section = "forward \(forward.name)"
        guard let target = Address(forward.target) else {
            throw ListenAddresses.Failure(
                description: "[\(section)]: the server cannot be told \(forward.target.host): leave the interface out")
        }
        let purpose: Purpose = forward.transport == .tcp ? .connections(to: target) : .datagrams(to: target)
        if let passed {
            unused.append(("[\(section)] listen", forward.listen))
            entries += passed.map { Entry(name: $0.name, forward: forward.name, source: .passed($0), purpose: purpose) }
        } else {
            entries += try Self.entries(forward.listen) {
                Entry(name: section, forward: forward.name, source: $0, purpose: purpose, group: $1, isRest: $2)
            }
        }
    }

    /// A socket unit with the port of `listen` does what that says.
    private static func has(portsOf listen: [ListenAddress], _ passed: [PassedSocket]) -> Bool {
        let ports = passed.compactMap { socket -> UInt16? in
            guard case .listener(.network(let address)) = socket.kind else { return nil }
            return address.port
        }
        return listen.allSatisfy { address in
            guard case .tcp(_, let port) = address else { return false }
            return ports.contains(port)
        }
    }

    private static func entries(
        _ listen: [ListenAddress], _ make: (Source, _ group: ListenAddress?, _ isRest: Bool) -> Entry
    ) throws(ListenAddresses.Failure) -> [Entry] {
        zip(listen, try ListenAddresses.entries(for: listen)).flatMap { address, found in
            found.map { make(.place($0.place), $0.mayBeMissing ? address : nil, $0.isRest) }
        }
    }

    // MARK: Words

    /// That a new value of a setting means nothing, since sockets were passed in its place.
    ///
    /// - Parameter former: what was in force.
    /// - Returns: warnings.
    func unusedNews(since former: Settings) -> [String] {
        unused.filter { setting, places in
            let section = setting.suffix(after: "[forward ")?.prefix { $0 != "]" }
            guard let section else { return former.listen != places }
            return former.forwards.contains { $0.name == section && $0.listen != places }
        }.map { setting, places in
            "\(setting) = \(places.map(\.description).joined(separator: ", ")) is not opened: sockets that were passed take its "
                + "place; change the socket unit instead"
        }
    }

    /// Whether sockets were passed for the service itself.
    var hasPassedListeners: Bool { entries.contains { $0.purpose == .service && $0.source.isPassed } }

    /// What the process is and where it listens, for all to see.
    func text(of opened: [ListeningPlace]) -> String {
        func places(_ forward: String?) -> String {
            opened.filter { $0.forward == forward }.map(\.place).joined(separator: ", ")
        }
        guard settings.mode == .client else { return "server: listening on \(places(nil))" }
        let servers =
            (settings.uris.count == 1 ? "server " : "servers ")
            + settings.uris.map(\.withoutPath).joined(separator: ", ")
        return settings.forwards.reduce("client: SOCKS5 and HTTP proxy on \(places(nil)), \(servers)") {
            text, forward in
            text
                + "; forward \(forward.name): \(forward.transport.rawValue) on \(places(forward.name)) to \(forward.target)"
        }
    }
}

extension PassedSocket {
    /// As `listen` would say it; nil for what it cannot say.
    fileprivate var address: ListenAddress? {
        switch kind {
        case .listener(.network): (try? ListenAddress.list(place))?.first
        case .listener(.unix(let path?)): .unix(path)
        case .listener(.unix(nil)), .datagrams, .other: nil
        }
    }
}

/// One of the places where the process listens.
struct ListeningPlace: Equatable, Sendable {
    /// The setting that it comes from, or what a service manager calls it.
    let name: String
    /// Of a `[forward NAME]`.
    let forward: String?
    /// As a person would write it.
    let place: String
    /// Opened by a service manager.
    let isPassed: Bool
}
