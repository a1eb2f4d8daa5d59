import WstanBase

/// Opens tunnels: connects to a server, asks for the WebSocket with the request in the path, checks the answer.
/// Confined to its worker.
final class Dialer: @unchecked Sendable {
    let worker: Worker
    let options: ClientOptions
    let servers: ServerList
    let key: SendingKey
    let pool: TunnelPool
    let clocks: ServerClocks

    init(
        worker: Worker, options: ClientOptions, connector: Connector, pool: TunnelPool,
        links: ServerLinks = ServerLinks()
    ) {
        self.worker = worker
        self.options = options
        key = SendingKey(options.key)
        clocks = ServerClocks()
        self.pool = pool
        servers = ServerList(
            ServerConnector(worker: worker, options: options, connector: connector), links: links)
    }

    private init(_ former: Dialer, _ options: ClientOptions, _ servers: ServerList) {
        worker = former.worker
        self.options = options
        key = former.key
        pool = former.pool
        clocks = servers === former.servers ? former.clocks : ServerClocks()
        self.servers = servers
    }

    /// The same with other options. Where they lead elsewhere, what is known of the servers is forgotten, and their
    /// tunnels carry nothing new.
    func with(_ options: ClientOptions, _ connector: Connector) -> Dialer {
        guard !options.leadsAsBefore(self.options) else { return Dialer(self, options, servers) }
        let reach = ServerConnector(worker: worker, options: options, connector: connector)
        let others = ServerList(reach, links: servers.links, firstMark: servers.firstMark + servers.count)
        return Dialer(self, options, others)
    }

    /// A connection to a server on which nothing has been said, or why there is none.
    func connect() async -> Result<Uplink, DialFailure> {
        await servers.connect()
    }

    /// What a new tunnel carries, and how it is asked for.
    private struct Cargo {
        /// Bytes of early data, as many as the request is to carry.
        var early = 0
        /// Whether it carries less from the first try on where that is known to be needed.
        var heedsLimit = true
        /// What the handshake asks for with no more early data than this; to be made anew for each try.
        let opening: (_ most: Int) -> Opening
        /// Puts it on the tunnel, before anything is read from that, with the early data that did not fit.
        let load: (Tunnel, _ most: Int) -> Void
        /// Whether it may be asked for twice: a reset does not tell whether the server has served the request.
        var mayRepeat = true
        /// Whether the user agent that wants it is gone.
        var isUnwanted: () -> Bool = { false }
    }

    /// Opens a tunnel that carries `connection` from its first byte on.
    ///
    /// - Parameters:
    ///   - first: the result of a `connect` that is already there.
    ///   - mayRepeat: whether `early` may reach the target twice.
    func open(
        _ connection: Connection, to target: Address, early: [UInt8], first: Result<Uplink, DialFailure>,
        mayRepeat: Bool = true
    ) async throws(DialFailure) -> Tunnel {
        let cargo = Cargo(
            early: early.count,
            opening: { most in
                .request(Request(time: Self.openingTime(), target: target, data: Array(early.prefix(most))))
            },
            load: { tunnel, most in tunnel.carry(connection, rest: early.dropFirst(most)) },
            mayRepeat: mayRepeat, isUnwanted: { connection.end?.isGone ?? false })
        return try await open(cargo, first: first)
    }

    /// Finds a tunnel for an association: in version 2 one of the pool, else a new one. A datagram that is too long for
    /// a request follows as a message on a tunnel that was opened empty. Python's servers do not take it then, so in
    /// version 1 each one is tried in the request first.
    func open(_ end: any DatagramEnd, first: Datagram) async throws(DialFailure) -> Tunnel {
        if case .v2 = key.version, let tunnel = pool.request(first, for: end) { return tunnel }
        let size = first.data.count
        let cargo = Cargo(early: size <= WireLimits.earlyData ? size : 0, heedsLimit: key.isOfVersion2) { most in
            let now = Self.openingTime()
            return size <= most ? .association(AssociationRequest(time: now, first: first)) : .idle(time: now)
        } load: { tunnel, most in
            if size <= most { tunnel.carry(end) } else { tunnel.request(first, time: WallClock.now(), for: end) }
        }
        return try await open(cargo, first: await connect())
    }

    private static func openingTime() -> Double {
        RequestClock.shared.next(now: WallClock.now())
    }

    /// Opens a tunnel that carries nothing yet. It is tried once: no connection waits for it.
    func openIdle(_ uplink: Uplink) async throws(DialFailure) -> Tunnel {
        let carrier = carrier(for: uplink.number)
        do throws(DialFailure) {
            return try await openIdle(uplink, in: carrier)
        } catch {
            switch await otherCarrier(than: carrier, after: error, of: uplink.number) {
            case .opened(let tunnel): return tunnel
            case .known: return try await openIdle(try await servers.connect(to: uplink.number).get())
            case nil: throw error
            }
        }
    }

    /// - Parameter carrier: for version 2.
    func openIdle(_ uplink: Uplink, in carrier: RequestCarrier) async throws(DialFailure) -> Tunnel {
        let cargo = Cargo(opening: { _ in .idle(time: Self.openingTime()) }, load: { tunnel, _ in tunnel.rest() })
        servers.handshakeBegan(uplink, isAwaited: false)
        do throws(DialFailure) {
            let tunnel = try await shakeHands(uplink, cargo, in: carrier, most: 0)
            servers.handshakeAccepted(uplink)
            return tunnel
        } catch {
            throw servers.emptyHandshakeFailed(uplink, error)
        }
    }

    /// Tries one server after the other, and goes round again as long as `DialRounds` says; each time with a new
    /// request, since the old one would be a replay.
    private func open(_ cargo: Cargo, first: Result<Uplink, DialFailure>) async throws(DialFailure) -> Tunnel {
        var connected = first
        var rounds = DialRounds(jitter: Jitter(seed: worker.randomness.next()))
        // The servers that may have refused it for its length.
        var tooLongFor: Set<Int> = []
        while true {
            let failure: DialFailure
            var mayBeServed = false
            switch connected {
            case .success(let uplink):
                mayBeServed = !uplink.stream.isGone
                servers.handshakeBegan(uplink, isAwaited: true)
                let carrier = carrier(for: uplink.number)
                let wasTooLong = tooLongFor.contains(uplink.number)
                let usual = cargo.heedsLimit ? mostEarlyData(for: uplink.number) : WireLimits.earlyData
                let most = wasTooLong ? EarlyDataLimit.lowered : usual
                do throws(DialFailure) {
                    let tunnel = try await shakeHands(uplink, cargo, in: carrier, most: most)
                    servers.handshakeAccepted(uplink)
                    if wasTooLong { lowerEarlyData(for: uplink.number) }
                    pool.tookRequest(uplink.server)
                    return tunnel
                } catch {
                    if error.mayBeLength, min(cargo.early, most) > EarlyDataLimit.lowered {
                        servers.handshakeGivenUp(uplink)
                        tooLongFor.insert(uplink.number)
                        connected = await servers.connect(without: rounds.tried)
                        continue
                    }
                    if cargo.mayRepeat || error.isRefusal,
                        let other = await otherCarrier(than: carrier, after: error, of: uplink.number)
                    {
                        servers.handshakeGivenUp(uplink)
                        tooLongFor.remove(uplink.number)
                        if case .opened(let tunnel) = other { pool.tunnelIsIdle(tunnel) }
                        connected = await servers.connect(without: rounds.tried)
                        continue
                    }
                    let told = servers.handshakeFailed(uplink, error)
                    failure = told ?? error
                    if told != nil { rounds.failed(uplink.number, of: servers.count, failure) }
                }
            case .failure(let error):
                failure = error
                rounds.failedEverywhere(failure)
            }
            guard !failure.isImpostor else { throw failure }
            guard cargo.mayRepeat || failure.isRefusal || !mayBeServed, !cargo.isUnwanted() else { throw failure }
            switch rounds.next(mayBeRestarting: servers.mayBeRestarting, worker.now) {
            case .go: break
            case .pause(let pause): await worker.sleep(for: pause)
            case .fail(let failure): throw failure
            }
            connected = await servers.connect(without: rounds.tried)
        }
    }

    /// - Parameter most: bytes of early data in the request.
    private func shakeHands(
        _ uplink: Uplink, _ cargo: Cargo, in carrier: RequestCarrier, most: Int
    ) async throws(DialFailure) -> Tunnel {
        let stream = uplink.stream
        let keyID = key.id
        var intake = BufferedReader(stream)
        var pings = options.pings
        let version: (TunnelRole, FrameOutput) -> TunnelVersion
        do throws(DialFailure) {
            switch key.version {
            case .v2(let identity):
                let agreement: TunnelV2.Agreement
                let reply: ReplyPayload
                do throws(DialFailure) {
                    (agreement, reply) = try await agree(
                        on: cargo.opening(most), by: identity, in: carrier, with: uplink, &intake)
                } catch {
                    // The request has arrived, and the server has proven itself.
                    if error.isDismissal { carrierWorked(carrier, for: uplink.number) }
                    throw error
                }
                carrierWorked(carrier, for: uplink.number)
                pings.adopt(reply.options)
                pool.heard(reply)
                if key.isStill(identity) { servers.toldOfKey(KeyTerm(reply), by: uplink.number) }
                version = { .v2(TunnelV2($0, agreement, frames: $1)) }
            case .v1(let authenticator):
                let (sealer, opener) = try await agree(
                    on: cargo.opening(most), by: authenticator, with: uplink, &intake)
                version = { .v1(TunnelV1($0, sealer: sealer, opener: opener, frames: $1)) }
            }
        } catch {
            stream.close()
            if error.isImpostor { pool.impostors &+= 1 }
            if case .unproven = error { pool.unproven &+= 1 }
            throw servers.explained(error, of: uplink.number, with: keyID)
        }
        let tunnel = Tunnel(
            id: worker.nextID(), role: .client, stream: stream, version: version, pings: pings,
            mark: servers.firstMark + uplink.number, owner: pool)
        pool.add(tunnel)
        cargo.load(tunnel, most)
        let rest = intake.bytes
        worker.spawn { await tunnel.receiveLoop(first: rest[...]) }
        return tunnel
    }

    /// The handshake of version 1.
    private func agree(
        on opening: Opening, by authenticator: Authenticator, with uplink: Uplink, _ intake: inout BufferedReader
    ) async throws(DialFailure) -> (sealer: Sealer, opener: Opener) {
        let mode = HandshakeModeV1(usesCipher: !uplink.server.usesTLS, isCompatible: options.compatible)
        let handshake = ClientHandshake.v1(
            ClientHandshakeV1(authenticator, mode, asking: uplink.server.inHTTP, for: opening) {
                worker.randomness.nonce()
            })
        uplink.stream.write(handshake.request)
        return try await open(handshake, of: uplink.server, &intake)
    }

    /// Reads the server's answer.
    private func open(
        _ handshake: ClientHandshake, of server: ServerEndpoint, _ intake: inout BufferedReader
    ) async throws(DialFailure) -> (sealer: Sealer, opener: Opener) {
        let answer = try await intake.readAnswer(deadline: worker.now + options.handshakeTimeout)
        do throws(ClientHandshake.Failure) {
            return try handshake.open(answer)
        } catch {
            throw .refused(
                UpgradeAnswer(
                    answer, body: intake.bytes, error, to: server.inHTTP, usesTLS: server.usesTLS,
                    now: WallClock.now()))
        }
    }
}
