import Glibc
import WstanBase
import WstanConfig
import WstanControl
import WstanCore

/// Looks what answers where this end listens, or whether it could listen there. Confined to its worker.
struct ListenCheck: @unchecked Sendable {
    let worker: Worker
    let settings: Settings
    let files: FileCheck
    let unit: ServiceUnit?
    let tell: (Finding) -> Void

    /// - Returns: whether wstand runs, by systemd or by what answers; nil when that cannot be told.
    func run() async -> Bool? {
        let sockets = unit?.sockets ?? []
        if !sockets.isEmpty {
            tell(Self.finding(of: sockets, insteadOf: settings, unit: unit))
        }
        let entries: [[ListenAddresses.Entry]]
        do throws(ListenAddresses.Failure) {
            // A name is looked up on this thread, on which nothing else goes on.
            entries = try ListenAddresses.entries(for: sockets.isEmpty ? settings.listen : sockets)
        } catch {
            tell(.failed(.other, "listen", error.description, remedy: "correct listen: an address is safest there"))
            return nil
        }
        if let finding = withoutTLS(on: Array(entries.joined())) { tell(finding) }
        var observations: [ListenObservation] = []
        for entry in entries.joined() {
            guard let observation = await examine(entry) else { continue }
            tell(observation.finding)
            observations.append(observation)
        }
        if case .running? = unit?.state { return true }
        // One that is started by its sockets answers.
        if observations.contains(where: \.isServed) { return true }
        guard !observations.isEmpty else { return nil }
        if unit == nil {
            tell(.warning("wstand", "not running with this configuration", remedy: "start it: \(Self.start)"))
        }
        return false
    }

    static func finding(
        of sockets: [ListenAddress], insteadOf settings: Settings, unit: ServiceUnit? = nil
    ) -> Finding {
        let places = sockets.map(\.description)
        guard !settings.listensByDefault, !settings.listen.agree(with: sockets) else {
            return .ok("listen", "systemd listens on \(places.listed()), instead of what listen says")
        }
        let concern = Concern.replaced(
            listen: settings.listen.map(\.description), by: places,
            unit: unit.map { String($0.name.dropLast(".service".count)) } ?? "wstand", systemctl: unit?.systemctl ?? "systemctl")
        return .warning("listen", concern.text, remedy: concern.advice)
    }

    private func withoutTLS(on entries: [ListenAddresses.Entry]) -> Finding? {
        let addresses = entries.compactMap { entry -> SocketAddress? in
            guard case .network(let address) = entry.place else { return nil }
            return address
        }
        let places = settings.withoutTLS(among: addresses).map(\.description)
        guard !places.isEmpty else { return nil }
        let concern = Concern.withoutTLS(on: places)
        if settings.trustedProxies.hasOtherHosts { return .ok("tls", concern.text) }
        return .warning("tls", concern.text, remedy: concern.advice)
    }

    /// Where systemd does not know of it.
    private static var start: String { "systemctl start wstand, or wstand --config FILE" }

    /// - Returns: nil when there is nothing to say.
    private func examine(_ entry: ListenAddresses.Entry) async -> ListenObservation? {
        switch entry.place {
        case .network(let address):
            // The kernel chooses, and only the process that runs knows.
            guard address.port != 0 else { return nil }
            let place = address.description
            let result: Result<Stream, SystemError>
            do throws(SystemError) {
                result = .success(
                    try await Stream.connect(
                        to: address.asSeenFromHere, worker: worker, deadline: worker.now + DoctorLimits.greeting))
            } catch {
                result = .failure(error)
            }
            if case .success(let stream) = result {
                return ListenObservation(place: place, state: examine(await identify(stream), on: address))
            }
            return bind(address, mayBeMissing: entry.mayBeMissing).map { state in
                ListenObservation(place: place, state: searchElsewhere(state, than: address))
            }
        case .unix(let path):
            let state =
                if let stream = connect(path) { await identify(stream) } else { Self.judge(path) }
            return ListenObservation(place: "unix:\(path)", state: state)
        }
    }

    // MARK: Nobody there

    /// - Returns: nil when there is nothing to say.
    private func bind(_ address: SocketAddress, mayBeMissing: Bool) -> ListenObservation.State? {
        do throws(SystemError) {
            if unit?.sockets.isEmpty ?? true {
                try tryListening(on: address)
            } else {
                // systemd binds it, which is root.
                try UnitUser.asRoot { () throws(SystemError) in try tryListening(on: address) }
            }
            return .free
        } catch {
            if error.code == EACCES, unit?.mayUseLowPorts == true { return .free }
            if mayBeMissing, [EADDRNOTAVAIL, EAFNOSUPPORT].contains(error.code) { return nil }
            return .unusable(
                "cannot listen on \(address): \(SystemError.text(error.code))",
                remedy: ListenAddresses.remedy(error))
        }
    }

    private func tryListening(on address: SocketAddress) throws(SystemError) {
        try Listener(address, on: worker, dealingTo: [worker]) { _ in }.close()
    }

    private func connect(_ path: String) -> Stream? {
        guard let descriptor = try? UnixPath.socket() else { return nil }
        do throws(SystemError) {
            try UnixPath.connect(descriptor, to: path)
            return try Stream(descriptor: descriptor, worker: worker, isUnix: true)
        } catch {
            close(descriptor)
            return nil
        }
    }

    private static func judge(_ path: String) -> ListenObservation.State {
        let directory = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
        // As the user that the unit runs as, which is the effective one.
        if faccessat(AT_FDCWD, directory.isEmpty ? "/" : directory, W_OK | X_OK, AT_EACCESS) != 0 {
            return .unusable(
                ListenAddresses.text(.system(SystemError(call: "access", code: errno)), for: path), remedy: nil)
        }
        guard UnixPath.identity(of: path) == nil || UnixPath.isSocket(path) else {
            return .unusable(ListenAddresses.text(.otherFile, for: path), remedy: nil)
        }
        return .free
    }

    // MARK: Somebody there

    /// Whether what answers is bound where the configuration says, and is the service.
    private func examine(_ state: ListenObservation.State, on address: SocketAddress) -> ListenObservation.State {
        let sockets = ListeningSockets.current()
        switch state {
        case .client, .server, .busyServer, .closedServer:
            let elsewhere = sockets.elsewhere(than: address)
            if !elsewhere.isEmpty { return .elsewhere(elsewhere.map(\.description), unit) }
            // With a socket unit systemd holds the socket too.
            guard let unit, unit.sockets.isEmpty else { return state }
            let owners = UnitUser.asRoot { sockets.owners(of: address.port) }
            guard let owner = owners.first, !owners.contains(where: { unit.isRunning($0.process) }) else { return state }
            return .outsideService(owner.description, unit)
        case .stranger:
            return UnitUser.asRoot { sockets.owners(of: address.port) }.first.map { .stranger($0.description) } ?? state
        case .guarded, .otherServer, .elsewhere, .outsideService, .free, .unusable:
            return state
        }
    }

    /// Nothing answers at an address: a wstand that runs all the same has not been restarted since the address was changed.
    private func searchElsewhere(
        _ state: ListenObservation.State, than address: SocketAddress
    ) -> ListenObservation.State {
        guard case .free = state else { return state }
        let sockets = ListeningSockets.current()
        return UnitUser.asRoot {
            let bound: [SocketAddress]
            if case .running(let process?) = unit?.state {
                bound = sockets.addresses(of: process)
            } else {
                let isOurs = sockets.owners(of: address.port).contains { $0.program == "wstand" }
                bound = isOurs ? sockets.on(address.port).map(\.address) : []
            }
            return bound.isEmpty ? state : .elsewhere(bound.map(\.description), unit)
        }
    }

    private func identify(_ stream: Stream) async -> ListenObservation.State {
        switch settings.mode {
        case .client: await identifyClient(stream)
        case .server: await identifyServer(stream)
        }
    }

    /// A wstan client answers whoever takes it for a web server with a page that says what it is.
    private func identifyClient(_ stream: Stream) async -> ListenObservation.State {
        defer { stream.close() }
        stream.write(Array("GET / HTTP/1.1\r\nHost: doctor\r\nAccept: text/html\r\nConnection: close\r\n\r\n".utf8))
        var intake = BufferedReader(stream)
        let deadline = worker.now + DoctorLimits.greeting
        while intake.bytes.count < ClientLimits.responseHead, await intake.readMore(deadline: deadline) == .more {}
        guard !intake.bytes.isEmpty else {
            return settings.allowUID.isEmpty ? .stranger("a silent program") : .guarded
        }
        let said = String(decoding: intake.bytes, as: UTF8.self)
        return said.contains("wstan client") ? .client : .stranger("another program")
    }

    /// A server is asked for a tunnel with its own key.
    private func identifyServer(_ stream: Stream) async -> ListenObservation.State {
        defer { stream.closeOrderly(awaitingPeer: false) }
        guard let key = files.key else { return .otherServer("the doctor has no user's key to ask it with") }
        let deadline = worker.now + DoctorLimits.step
        if settings.proxyProtocol, isTrusted(stream) {
            // Section 2.1 of the PROXY protocol: from nobody in particular.
            stream.write(Array("PROXY UNKNOWN\r\n".utf8))
        }
        let speaksTLS = files.server != nil
        if speaksTLS {
            do {
                // Whose certificate it is has been looked at in its file.
                let context = try TLSClientContext(TLSClientContext.Configuration(verifies: false))
                let name = Host(text: settings.uri.host) ?? .name("localhost")
                let side = TLSSession.Side.client(context, name: name, sessions: nil, server: "")
                try await stream.startTLS(side, deadline: deadline)
            } catch let failure as TLSFailure {
                return failure.isAboutClients ? .closedServer : .otherServer(DialFailure.tls(failure).cause)
            } catch {
                return .stranger("an unknown program")
            }
        }
        let server = ClientHandshake.Server(
            pathPrefix: settings.uri.path, host: "\(HostPort.bracketed(settings.uri.host)):\(settings.uri.port)")
        var intake = BufferedReader(stream)
        switch await ask(server, with: key, usesTLS: speaksTLS, &intake, until: deadline) {
        case nil:
            stream.write(FrameHead.close(code: CloseCode.normal, mask: MaskingKey(worker.randomness.next())))
            return .server
        // It knows the key, and takes on nothing new.
        case .refused(let answer) where answer.status == 503 && answer.hasRetryAfter: return .busyServer
        case .dismissed(.draining), .dismissed(.overLimit): return .busyServer
        case .refused(let answer): return .otherServer(answer.description)
        case .tls(let failure) where failure.isAboutClients: return .closedServer
        case let failure?: return .otherServer(failure.cause)
        }
    }

    /// - Returns: why it opens no tunnel; nil when it does.
    private func ask(
        _ server: ClientHandshake.Server, with key: SentKey, usesTLS: Bool, _ intake: inout BufferedReader, until deadline: Instant
    ) async -> DialFailure? {
        switch key {
        case .v1(let key):
            let mode = HandshakeModeV1(usesCipher: settings.uri.scheme == .ws, isCompatible: settings.compatible)
            let probe = UpgradeProbe(worker: worker, key: key, mode: mode, server: server, usesTLS: usesTLS)
            switch await probe.ask(.idle, &intake, until: deadline) {
            case .answer(let answer): return answer.isAccepted ? nil : .refused(answer)
            case .failure(let failure): return failure
            }
        case .v2(let identity):
            let handshake = HandshakeV2(
                by: identity, in: .cookie, to: server, usesTLS: usesTLS, timeout: DoctorLimits.step,
                own: files.serverKey)
            if case .failure(let failure) = await handshake.tryOut(&intake) { return failure }
            return nil
        }
    }

    private func isTrusted(_ stream: Stream) -> Bool {
        switch stream.localAddress {
        case .ipv4(let address, _): settings.trustedProxies.contains(.ipv4(address))
        case .ipv6(let address, _, _): settings.trustedProxies.contains(.ipv6(address))
        // Over a Unix socket everybody is on this host.
        case nil: settings.trustedProxies.contains(.ipv4(IPv4Address(0x7f00_0001)))
        }
    }
}

extension SocketAddress {
    /// Where to connect to when a process listens there: one that listens on all addresses does so on loopback.
    fileprivate var asSeenFromHere: SocketAddress {
        switch self {
        case .ipv4(let address, let port): .ipv4(address.value == 0 ? IPv4Address(0x7f00_0001) : address, port: port)
        case .ipv6(let address, let port, let scope):
            .ipv6(
                address.high == 0 && address.low == 0 ? IPv6Address(high: 0, low: 1) : address, port: port, scope: scope
            )
        }
    }
}

extension TLSFailure {
    /// Whether the server wants a certificate of its clients.
    fileprivate var isAboutClients: Bool {
        if case .alert(let alert) = self { alert.isAboutOurCertificate } else { false }
    }
}
