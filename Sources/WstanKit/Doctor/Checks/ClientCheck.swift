import Glibc
import WstanBase
import WstanConfig
import WstanControl
import WstanCore

/// Goes the way to each server of a client, step by step, as far as it leads. Confined to its worker.
struct ClientCheck: @unchecked Sendable {
    let worker: Worker
    let settings: Settings
    let files: FileCheck
    let environment: ProxyEnvironment
    let resolver: Resolver
    let unit: ServiceUnit?
    let tell: (Finding) -> Void

    /// - Returns: whether wstand runs; nil when that cannot be told.
    func run() async -> Bool? {
        for uri in settings.uris { await examine(uri) }
        if let finding = Self.sharedKey(of: settings.uris) { tell(finding) }
        return await ListenCheck(worker: worker, settings: settings, files: files, unit: unit, tell: tell).run()
    }

    /// Each server remembers what it has seen itself.
    static func sharedKey(of servers: [ServerURI]) -> Finding? {
        guard Set(servers.map(\.host)).count > 1 else { return nil }
        return .warning(
            "key", "the servers have one key, and do not know what the others have seen: a request can be replayed at another server",
            remedy: "give each server a key and a client of its own where requests may be recorded on the way")
    }

    private var deadline: Instant { worker.now + DoctorLimits.step }

    private func examine(_ uri: ServerURI) async {
        let server = ServerEndpoint(uri, settings, environment)
        tellWay(uri, server)
        guard let addresses = await addresses(of: server), let stream = await connect(addresses, server) else {
            return
        }
        let tcp = stream.roundTrip
        guard await pass(stream, server), await shakeHands(stream, server) else { return }
        switch files.key {
        case .v1(let key): await ask(stream, server, key, tcp: tcp)
        case .v2(let identity): await ask(stream, server, identity, tcp: tcp)
        case nil: stream.close()
        }
    }

    private func tellWay(_ uri: ServerURI, _ server: ServerEndpoint) {
        if let problem = UnusableProxy(for: settings, environment) {
            tell(.failed(.configuration, "proxy", problem.description))
        }
        var text = "\(uri)"
        if settings.connectTo != nil { text += " at \(server.address), as connect-to says" }
        switch (server.proxy, settings.proxy) {
        case (nil, _): text += ", without a proxy"
        case (let proxy?, .automatic): text += ", through \(proxy), which the environment names"
        case (let proxy?, _): text += ", through \(proxy)"
        }
        tell(.ok("server", text))
    }

    // MARK: Names and connections

    /// - Returns: nil when there are none, which has been told.
    private func addresses(of server: ServerEndpoint) async -> [SocketAddress]? {
        let first = server.proxy?.address ?? server.address
        switch first.host {
        case .ipv4(let address): return [.ipv4(address, port: first.port)]
        case .ipv6(let address): return [.ipv6(address, port: first.port, scope: 0)]
        case .name(let name):
            var sighting = await resolver.sight(name, port: first.port, on: worker, until: deadline)
            sighting.station = server.station
            tell(sighting.finding)
            return sighting.addresses.isEmpty ? nil : sighting.addresses
        }
    }

    /// All addresses at once, since a client tries the others when the first one is slow.
    private func connect(_ addresses: [SocketAddress], _ server: ServerEndpoint) async -> Stream? {
        let tried = addresses.prefix(DoctorLimits.addresses)
        // Where there are others, nobody waits long for one.
        let deadline = worker.now + (tried.count > 1 ? DoctorLimits.oneOfSeveral : DoctorLimits.step)
        var results = [(attempt: ConnectObservation.Attempt, stream: Stream?)?](repeating: nil, count: tried.count)
        await withTaskGroup(of: (Int, ConnectObservation.Attempt, Stream?).self) { group in
            for (index, address) in tried.enumerated() {
                group.addTask {
                    let began = Instant.now()
                    do throws(SystemError) {
                        let stream = try await Stream.connect(to: address, worker: worker, deadline: deadline)
                        return (index, .init(address: address, outcome: .success(Instant.now() - began)), stream)
                    } catch {
                        return (index, .init(address: address, outcome: .failure(error)), nil)
                    }
                }
            }
            for await (index, attempt, stream) in group { results[index] = (attempt, stream) }
        }
        let done = results.compactMap { $0 }
        tell(ConnectObservation(station: server.station, attempts: done.map(\.attempt)).finding)
        let streams = done.compactMap(\.stream)
        for stream in streams.dropFirst() { stream.close() }
        return streams.first
    }

    // MARK: What is said on them

    /// - Returns: whether the way goes on; if not, that has been told.
    private func pass(_ stream: Stream, _ server: ServerEndpoint) async -> Bool {
        guard let proxy = server.proxy else { return true }
        do throws(ProxyRefusal) {
            try await proxy.makeWay(on: stream, to: server.address, until: deadline)
            tell(.ok("proxy", "it makes a way to \(server.address)"))
            return true
        } catch {
            stream.close()
            let failure = DialFailure.proxyRefused(error)
            tell(.failed(.reach, "proxy", failure.cause, remedy: failure.advice))
            return false
        }
    }

    /// - Returns: as `pass`.
    private func shakeHands(_ stream: Stream, _ server: ServerEndpoint) async -> Bool {
        guard server.usesTLS else { return true }
        guard let context = files.trust?.context else {
            stream.close()
            return false
        }
        let side = TLSSession.Side.client(context, name: server.name, sessions: nil, server: "")
        do throws(TLSFailure) {
            try await stream.startTLS(side, deadline: deadline)
        } catch {
            stream.closeOrderly(awaitingPeer: false)
            tell(CertificateObservation.finding(error))
            return false
        }
        if let peer = stream.tls.flatMap({ TLSPeer($0) }) {
            let isOwnTrust = settings.tls.caFile != nil || !settings.tls.pins.isEmpty
            for finding in CertificateObservation(peer: peer, now: WallClock.now(), isOwnTrust: isOwnTrust).findings {
                tell(finding)
            }
        }
        return true
    }

    private func ask(_ stream: Stream, _ server: ServerEndpoint, _ key: Key, tcp: Duration) async {
        let mode = HandshakeModeV1(usesCipher: !server.usesTLS, isCompatible: settings.compatible)
        let probe = UpgradeProbe(worker: worker, key: key, mode: mode, server: server.inHTTP, usesTLS: server.usesTLS)
        var intake = BufferedReader(stream)
        let outcome = await probe.ask(.idle, &intake, until: deadline)
        guard case .answer(let answer) = outcome, answer.isAccepted else {
            stream.closeOrderly(awaitingPeer: false)
            if case .failure(.closed(usesTLS: false)) = outcome, await speaksTLS(server, key) {
                return tell(.failure(.notHTTP(.tls)), server)
            }
            guard outcome.mayHaveAKnownCause else { return tell(outcome, server) }
            let (cause, refused) = await knownCause(server, probe, key)
            if let cause {
                tell(cause.finding(compatible: settings.compatible, usesTLS: server.usesTLS))
            } else {
                tell(outcome, server)
            }
            return tell(.unanswered(requests: 1 + refused, by: "\(server.address)"))
        }
        tell(outcome, server)
        let pinged = await probe.ping(&intake, until: deadline)
        tell(RoundTripObservation(of: .ping, pinged, tcp: tcp, hasProxy: server.proxy != nil).finding)
        probe.leave(stream)
        await worker.flushed(until: worker.now + DoctorLimits.closing)
    }

    /// In version 2 the server proves itself; a refusal still tells no cause. So the other carriers are tried, too.
    private func ask(_ stream: Stream, _ server: ServerEndpoint, _ identity: ClientIdentity, tcp: Duration) async {
        let first = RequestCarrier(settings.carrier) ?? .cookie
        var refusal: DialFailure?
        var found: (carrier: RequestCarrier, proof: HandshakeV2.Proof)?
        var refused = 0
        switch await tryOut(stream, server, identity, in: first) {
        case .success(let proof): found = (first, proof)
        case .failure(let failure):
            refusal = failure
            refused = 1
        }
        if let refusal, refusal.mayBeCarriers {
            let reach = connector(.v2(identity))
            for carrier in RequestCarrier.allCases where carrier != first && found == nil {
                guard case .success(let stream) = await reach.connect(to: server) else { break }
                switch await tryOut(stream, server, identity, in: carrier) {
                case .success(let proof): found = (carrier, proof)
                case .failure: refused += 1
                }
            }
        }
        tell(refusal, server, firstTried: first, found: found?.carrier)
        if let proof = found?.proof { tell(proof, of: server, to: identity.keyID, tcp: tcp) }
        if refused > 1 || refused == 1 && found != nil {
            tell(.unanswered(requests: refused, by: "\(server.address)", isOfVersion2: true))
        }
        await worker.flushed(until: worker.now + DoctorLimits.closing)
    }

    /// What the server's own answer says beside its proof.
    ///
    /// - Parameter key: the client's.
    private func tell(_ proof: HandshakeV2.Proof, of server: ServerEndpoint, to key: KeyID, tcp: Duration) {
        tell(ClockObservation(ahead: proof.clockAhead, owner: "the server's").finding)
        tell(
            RoundTripObservation(of: .handshake, .answered(proof.roundTrip), tcp: tcp, hasProxy: server.proxy != nil)
                .finding)
        guard let term = proof.keyTerm,
            let end = KeyEnd(end: (term.end?.microseconds).map { Int($0) }, isReplaced: term.isReplaced)
        else { return }
        let now = Int(CalendarTime(seconds: WallClock.now()).microseconds)
        tell(
            .warning(
                "key", "it \(end.text(now: now)), as the server says",
                remedy: "\(end.source(of: key.description)); \(KeyEnd.installation())"))
    }

    private func tryOut(
        _ stream: Stream, _ server: ServerEndpoint, _ identity: ClientIdentity, in carrier: RequestCarrier
    ) async -> Result<HandshakeV2.Proof, DialFailure> {
        var intake = BufferedReader(stream)
        let handshake = HandshakeV2(
            by: identity, in: carrier, othersAreTried: settings.carrier == .auto, to: server.inHTTP,
            usesTLS: server.usesTLS, timeout: DoctorLimits.step)
        defer { stream.closeOrderly(awaitingPeer: false) }
        return await handshake.tryOut(&intake)
    }

    private func tell(
        _ refusal: DialFailure?, _ server: ServerEndpoint, firstTried first: RequestCarrier, found: RequestCarrier?
    ) {
        let opens = "the server knows the key, opens one, and has proven that it is the server"
        switch (refusal, found) {
        case (nil, _): tell(.ok("tunnel", "\(opens); the carrier is \(first.rawValue)"))
        case (_, let found?) where settings.carrier == .auto:
            tell(.ok("tunnel", "\(opens); the carrier is \(found.rawValue), since requests by \(first.rawValue) are refused"))
        case (let refusal?, let found?):
            tell(
                .failed(
                    .other, "tunnel",
                    "\(CarrierChange(former: first, carrier: found, refusal: refusal).cause); by the carrier \(found.rawValue) "
                        + "the server opens one",
                    remedy: "set carrier = auto or \(found.rawValue)"))
        case (.refused(let answer), nil): tell(.answer(answer), server)
        case (let refusal?, nil): tell(.failure(refusal), server)
        }
    }

    private func tell(_ outcome: UpgradeProbe.Outcome, _ server: ServerEndpoint) {
        switch outcome {
        case .answer(let answer):
            let sighting = UpgradeObservation(answer: answer, requestLifetime: settings.requestTTL)
            for finding in sighting.findings { tell(finding) }
        case .failure(let failure):
            tell(.failed(.other, "tunnel", failure.cause, remedy: failure.advice))
        }
    }

    /// A port that expects TLS closes the connection of a client that does without, most often without a word.
    private func speaksTLS(_ server: ServerEndpoint, _ key: Key) async -> Bool {
        guard case .success(let stream) = await connector(.v1(key)).connect(to: server),
            let context = try? TLSClientContext(TLSClientContext.Configuration(verifies: false))
        else { return false }
        defer { stream.closeOrderly(awaitingPeer: false) }
        do throws(TLSFailure) {
            try await stream.startTLS(
                .client(context, name: server.name, sessions: nil, server: ""),
                deadline: worker.now + DoctorLimits.greeting)
            return true
        } catch {
            // It has said so in TLS.
            if case .alert = error { return true }
            return false
        }
    }

    private func connector(_ key: SentKey) -> ServerConnector {
        let options = ClientOptions(settings, key: key, trust: files.trust, workers: 1, environment: environment)
        return ServerConnector(
            worker: worker, options: options, connector: Connector(worker: worker, resolver: resolver))
    }

    /// A refusal says nothing of its cause. So it is asked once more in each other way in which a server of ours, or of
    /// Python's, may want it.
    ///
    /// - Returns: also how many of these requests got no tunnel.
    private func knownCause(
        _ server: ServerEndpoint, _ probe: UpgradeProbe, _ key: Key
    ) async -> (cause: RefusalCause?, refused: Int) {
        let reach = connector(.v1(key))
        for (refused, cause) in RefusalCause.allCases.enumerated() {
            guard case .success(let stream) = await reach.connect(to: server) else { return (nil, refused) }
            let (changed, question) = cause.change(of: probe)
            var intake = BufferedReader(stream)
            if case .answer(let answer) = await changed.ask(question, &intake, until: deadline), answer.isAccepted {
                changed.leave(stream)
                return (cause, refused)
            }
            stream.closeOrderly(awaitingPeer: false)
        }
        return (nil, RefusalCause.allCases.count)
    }
}

/// How long the doctor waits.
enum DoctorLimits {
    static let step: Duration = .seconds(10)
    /// For one address, where there are others.
    static let oneOfSeveral: Duration = .seconds(5)
    /// Addresses of a name that are tried.
    static let addresses = 8
    /// How long what serves a place has to say what it is.
    static let greeting: Duration = .seconds(3)
    static let closing: Duration = .seconds(1)
}

extension UpgradeProbe.Outcome {
    /// How servers that do not understand a request refuse it.
    fileprivate var mayHaveAKnownCause: Bool {
        switch self {
        case .answer(let answer): answer.status != 101 && answer.mayBeFromServer
        case .failure(.closed): true
        case .failure: false
        }
    }
}

extension ServerEndpoint {
    fileprivate var station: Station { proxy == nil ? .server : .proxy }
}

extension Resolver {
    /// Both families at once, each by itself.
    func sight(_ name: String, port: UInt16, on worker: Worker, until deadline: Instant) async -> LookUpObservation {
        let began = Instant.now()
        return await withTaskGroup(of: (Family, LookUpObservation.Answer).self) { group in
            for family in [Family.ipv6, .ipv4] {
                group.addTask { [self] in
                    do throws(Failure) {
                        let found = try await resolve(
                            name, port: port, family: family, for: "doctor", on: worker, deadline: deadline)
                        return (family, .success(found))
                    } catch {
                        return (family, .failure(error))
                    }
                }
            }
            var ipv6 = LookUpObservation.Answer.failure(.timedOut)
            var ipv4 = ipv6
            for await (family, answer) in group {
                switch family {
                case .ipv6: ipv6 = answer
                case .ipv4: ipv4 = answer
                }
            }
            return LookUpObservation(name: name, ipv6: ipv6, ipv4: ipv4, took: Instant.now() - began)
        }
    }
}
