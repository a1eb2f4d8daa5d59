import Logging
import WstanBase

/// What a client logs.
extension EventLog {
    func dialFailed(_ failure: DialFailure, target: Address) {
        logger.debug("no tunnel: \(failure.text)", metadata: ["target": "\(target)"])
    }

    func openingAheadFailed(_ failure: DialFailure) {
        logger.debug("no tunnel opened ahead: \(failure.text)")
    }

    /// Once for each cause; what fails meanwhile is told at debug.
    ///
    /// - Parameter isOnly: whether there is no other server.
    func linkChanged(_ change: ServerLink.Change, of server: ServerEndpoint, isOnly: Bool, now: Instant) {
        switch change {
        case .lost(let failure):
            guard let missed = throttle.allows("lost \(server.address) \(failure.code)", now: now) else { return }
            let text = isOnly ? failure.text : DialFailure.at(server.address, failure).text
            logger.warning("\(text)", metadata: .of(.serverLost, .repeated(missed)))
        case .back(let time):
            guard let missed = throttle.allows("back \(server.address)", now: now) else { return }
            logger.notice(
                "server \(server.address) works again",
                metadata: .of(.serverBack, ["after": "\(Self.seconds(time))"].merging(.repeated(missed)) { $1 }))
        }
    }

    /// New tunnels go elsewhere. Why was told when a server was lost or came back.
    func serverChanged(_ change: ServerListMachine.Change, of servers: [ServerEndpoint], now: Instant) {
        guard let missed = throttle.allows("choice", now: now) else { return }
        let number =
            switch change {
            case .fellBack(let number), .returned(let number): number
            }
        logger.notice("now using server \(servers[number].address)", metadata: .repeated(missed))
    }

    private static func seconds(_ time: Duration) -> String { "\(time.wholeNanoseconds / 1_000_000_000)s" }

    /// It may be of another version, so this alone is nothing to worry about.
    func emptyRequestRefused(now: Instant) {
        guard throttle.allows("empty", now: now) != nil else { return }
        logger.info("the server does not open tunnels ahead of need, or key, clock or URI are wrong")
    }

    func connectionOpened(_ tunnel: UInt64, target: Address, isPooled: Bool) {
        logger.debug(
            "connection", metadata: ["tunnel": "\(tunnel)", "target": "\(target)", "pooled": "\(isPooled)"])
    }

    func connectionReset(_ reset: Reset, tunnel: UInt64) {
        guard !reset.isNormal else { return }
        logger.debug(
            "the server ended a connection", metadata: ["tunnel": "\(tunnel)", "broken": "\(reset.isBrokenConnection)"])
    }

    func tunnelLost(_ tunnel: UInt64) {
        logger.info("a tunnel broke with a connection on it", metadata: ["tunnel": "\(tunnel)"])
    }

    func forwardIsFull(_ target: Address, now: Instant) {
        guard let missed = throttle.allows("forward", now: now) else { return }
        logger.warning(
            "a forward drops datagrams: more sources at once than it opens tunnels for", metadata: .repeated(missed))
        logger.debug("dropped datagrams", metadata: ["target": "\(target)"])
    }

    /// A guess, or a program that has the wrong password and tries it all day.
    func passwordRefused(_ name: [UInt8], peer: String, now: Instant) {
        logger.debug("wrong name or password", metadata: ["name": "\(String(decoding: name, as: UTF8.self))"])
        guard let missed = throttle.allows("password", now: now) else { return }
        var metadata: Logger.Metadata = ["peer": "\(peer)"]
        metadata.addRepeated(missed)
        logger.notice("a user agent is refused: wrong name or password", metadata: metadata)
    }

    /// - Parameter user: nil when it is not known, since the peer is on another host.
    func userRefused(_ user: UInt32?, peer: String, now: Instant) {
        guard let missed = throttle.allows(user == nil ? "stranger" : "user", now: now) else { return }
        var metadata: Logger.Metadata = ["peer": "\(peer)"]
        if let user { metadata["uid"] = "\(user)" }
        metadata.addRepeated(missed)
        let cause: Logger.Message =
            user == nil
            ? "a user agent is refused: allow-uid is set, and of one on another host the user cannot be told"
            : "a user agent is refused: allow-uid does not name its user"
        logger.notice(cause, metadata: metadata)
    }

    func directConnected(_ target: Address) {
        logger.debug("connected without the tunnel", metadata: ["target": "\(target)"])
    }

    func directFailed(_ failure: DirectFailure, target: Address) {
        logger.info("no connection to a direct target", metadata: ["reason": "\(failure.code)"])
        logger.debug("no connection", metadata: ["target": "\(target)"])
    }
}
