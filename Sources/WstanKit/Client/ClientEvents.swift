import Logging
import WstanBase

/// What a client logs.
extension EventLog {
    func dialFailed(_ failure: DialFailure, target: Address) {
        logger.debug("no tunnel", metadata: ["target": "\(target)", "reason": "\(failure.text)"])
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
            logger.warning("\(text)", metadata: .of(.serverLost, Self.fields(failure, missed)))
        case .doubted(let failure):
            guard let missed = throttle.allows("doubted \(server.address) \(failure.code)", now: now) else { return }
            let text = isOnly ? failure.text : DialFailure.at(server.address, failure).text
            // A server of version 0.4 does so as well, and serves connections.
            logger.warning(
                "no tunnel opened ahead of need, so connections may fail, too: \(text)",
                metadata: Self.fields(failure, missed))
        case .back(let time):
            guard let missed = throttle.allows("back \(server.address)", now: now) else { return }
            logger.notice(
                "server \(server.address) works again",
                metadata: .of(.serverBack, ["after": "\(Self.seconds(time))"].merging(.repeated(missed)) { $1 }))
        }
    }

    /// With `carrier = auto`.
    func carrierChanged(_ change: CarrierChange, of server: ServerEndpoint) {
        var metadata: Logger.Metadata = [
            "carrier": "\(change.carrier.rawValue)", "former": "\(change.former.rawValue)",
        ]
        if let refusal = change.refusal { metadata["code"] = "\(refusal.code)" }
        logger.notice(
            "requests to server \(server.address) now ride \(change.carrier.place): \(change.cause); \(change.advice)",
            metadata: metadata)
    }

    /// A front bounds the heads of requests.
    func earlyDataLowered(to bytes: Int, for server: ServerEndpoint) {
        logger.notice(
            """
            requests to server \(server.address) now carry less early data: a front has refused longer ones; to save a round \
            trip, let it accept lines and fields of 8 KB in requests
            """,
            metadata: ["most": "\(bytes)"])
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

    /// The text may become a better one; the code never changes.
    private static func fields(_ failure: DialFailure, _ missed: Int) -> Logger.Metadata {
        ["code": "\(failure.code)"].merging(.repeated(missed)) { $1 }
    }

    private static func seconds(_ time: Duration) -> String { "\(time.wholeNanoseconds / 1_000_000_000)s" }

    /// What a server says to its user in its answer, which it has proven to be its own.
    func heard(_ reply: ReplyPayload, now: Instant) {
        if let notice = reply.options.notice, throttle.allows("notice", every: .seconds(3600), now: now) != nil {
            logger.notice("the server says: \(notice)")
        }
        if let term = KeyTerm(reply), term.isReplaced,
            throttle.allows("grace", every: .seconds(86_400), now: now) != nil
        {
            var metadata: Logger.Metadata = [:]
            if let end = term.end { metadata["ends"] = "\(LogLine.timestamp(Int(end.microseconds / 1_000_000)))" }
            logger.warning(
                """
                the key was replaced at the server and will be refused: there, wstanctl client-config --key NAME prints the \
                new one, and here wstanctl rotate-key --key-file - takes it
                """,
                metadata: metadata)
        }
    }

    func saidBye(_ bye: Bye, on tunnel: UInt64) {
        logger.debug(
            "the server takes no more requests on a tunnel", metadata: ["tunnel": "\(tunnel)", "code": "\(bye.number)"])
    }

    func connectionOpened(_ tunnel: UInt64, target: Address, isPooled: Bool) {
        logger.debug(
            "connection", metadata: ["tunnel": "\(tunnel)", "target": "\(target)", "pooled": "\(isPooled)"])
    }

    /// The server has ended a connection otherwise than in good order.
    func connectionReset(_ reset: Reset, target: Address?, tunnel: UInt64, now: Instant) {
        guard !reset.isNormal else { return }
        let target = target?.description ?? "unknown"
        guard !reset.isBrokenConnection else {
            logger.debug("the target reset a connection", metadata: ["target": "\(target)", "tunnel": "\(tunnel)"])
            return
        }
        logger.debug(
            "target not reached",
            metadata: ["target": "\(target)", "reason": "\(reset.reasonForLog)", "tunnel": "\(tunnel)"])
        // For a person whose program only says that there was no answer. The server's own words may name the target.
        let kind = reset.kindForLog
        guard let missed = throttle.allows("target \(kind)", every: .seconds(60), now: now) else { return }
        var metadata: Logger.Metadata = ["reason": "\(kind)"]
        metadata.addRepeated(missed)
        logger.notice("a target was not reached; log-level debug names it", metadata: metadata)
    }

    /// A user agent is told the outcome of the try before, and the target is not tried again.
    func refusedFromMemory(_ outcome: Reset, target: Address) {
        logger.debug(
            "a target that has just failed was not tried again",
            metadata: ["target": "\(target)", "reason": "\(outcome.reasonForLog)"])
    }

    func tunnelLost(_ tunnel: UInt64, target: Address?) {
        logger.info("a tunnel broke with a connection on it", metadata: ["tunnel": "\(tunnel)"])
        guard let target else { return }
        logger.debug(
            "connection lost", metadata: ["target": "\(target)", "reason": "the tunnel broke", "tunnel": "\(tunnel)"])
    }

    /// A user agent's connection ends before it has asked for a target.
    func unserved(_ userAgent: UnservedUserAgent, now: Instant) {
        logger.debug("a user agent was not served", metadata: ["reason": "\(userAgent.reason)"])
        guard let mistake = userAgent.mistake,
            let missed = throttle.allows("mistake \(mistake)", every: .seconds(60), now: now)
        else { return }
        logger.notice("a user agent was not served: \(mistake.rawValue)", metadata: .repeated(missed))
    }

    /// A user agent's connection is closed before anything is read from it.
    func userAgentTurnedAway(_ reason: String) {
        logger.debug("a user agent was not served", metadata: ["reason": "\(reason)"])
    }

    /// One that had not said what it wants, for others that may.
    func userAgentClosedForRoom(now: Instant) {
        guard let missed = throttle.allows("room", every: .seconds(60), now: now) else { return }
        logger.warning(
            """
            a user agent that says nothing was closed to make room for others: too many say nothing (a quarter of the \
            descriptors)
            """,
            metadata: .of(.limitReached, .repeated(missed)))
    }

    /// A user agent broke off before its request was on its way.
    func userAgentLeft(_ target: Address) {
        logger.debug("a user agent left before its target was asked for", metadata: ["target": "\(target)"])
    }

    /// A request of plain HTTP is answered with an explanation. What the way to the target did is logged where it happens.
    func requestRefused(_ failure: ExchangeFailure, target: Address?) {
        let reason: String
        switch failure {
        case .dial, .reset, .lost, .direct: return
        case .notAdmitted, .otherName, .unauthenticated, .busy, .request, .unreadableAnswer:
            reason = failure.explanation(of: target, here: "this address").title
        }
        var metadata: Logger.Metadata = ["reason": "\(reason)"]
        if let target { metadata["target"] = "\(target)" }
        logger.debug("a request was refused", metadata: metadata)
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
        var metadata: Logger.Metadata = ["peer": "\(peer)"]
        if let user { metadata["uid"] = "\(user)" }
        logger.debug("a user agent was not served", metadata: metadata.merging(["reason": "allow-uid"]) { $1 })
        guard let missed = throttle.allows(user == nil ? "stranger" : "user", now: now) else { return }
        metadata.addRepeated(missed)
        let cause: Logger.Message =
            user == nil
            ? "a user agent is refused: allow-uid is set, and of one on another host the user cannot be told"
            : "a user agent is refused: allow-uid does not name its user"
        logger.notice(cause, metadata: metadata)
    }

    /// Of an association that another user has opened.
    func senderRefused(_ user: UInt32, owner: UInt32, now: Instant) {
        guard let missed = throttle.allows("sender", every: .seconds(60), now: now) else { return }
        var metadata: Logger.Metadata = ["owner": "\(owner)", "uid": "\(user)"]
        metadata.addRepeated(missed)
        logger.notice(
            "datagrams are dropped: they are for a UDP association of another user of this host", metadata: metadata)
    }

    /// With any rules about users: the kernel tells no user of a socket that was closed.
    func senderClosed(now: Instant) {
        guard let missed = throttle.allows("closed sender", every: .seconds(60), now: now) else { return }
        logger.notice(
            "datagrams are dropped: their socket was closed before its user was looked up; a program has to keep it open",
            metadata: .repeated(missed))
    }

    /// Of an association; the sender's host is the right one.
    func senderUnknown(owner: UInt32, now: Instant) {
        guard let missed = throttle.allows("unknown sender", every: .seconds(60), now: now) else { return }
        var metadata: Logger.Metadata = ["owner": "\(owner)"]
        metadata.addRepeated(missed)
        logger.notice("datagrams are dropped: the kernel did not tell the user of their socket", metadata: metadata)
    }

    /// By the server, of an association of version 2. What its key is worth is said of the server.
    func associationRefused(_ code: ResetCode, now: Instant) {
        logger.debug("an association was refused by the server", metadata: ["reason": "\(code.words)"])
        guard code != .keyRevoked,
            let missed = throttle.allows("refused association \(code.rawValue)", every: .seconds(60), now: now)
        else { return }
        var metadata: Logger.Metadata = ["reason": "\(code.words)"]
        metadata.addRepeated(missed)
        logger.warning(
            """
            the server refuses a UDP association, and its datagrams are dropped: ask the server's administrator; it is asked \
            again from time to time
            """,
            metadata: metadata)
    }

    func associationRefused(peer: String, now: Instant) {
        guard let missed = throttle.allows("association", every: .seconds(60), now: now) else { return }
        var metadata: Logger.Metadata = ["peer": "\(peer)"]
        metadata.addRepeated(missed)
        logger.notice(
            "a UDP association is refused: with users-file or allow-uid, a user agent on another host has to declare the port that it sends from",
            metadata: metadata)
    }

    func directConnected(_ target: Address) {
        logger.debug("connected without the tunnel", metadata: ["target": "\(target)"])
    }

    func directFailed(_ failure: DirectFailure, target: Address) {
        logger.info("no connection to a direct target", metadata: ["reason": "\(failure.code)"])
        logger.debug("direct target not reached", metadata: ["target": "\(target)", "reason": "\(failure.code)"])
    }
}

extension Reset {
    /// What the server says, in its words.
    fileprivate var reasonForLog: String {
        if let key = forbiddingKey { return "forbidden by the server's \(key)" }
        return isUnreachable && !detail.isEmpty ? detail : [reason, detail].filter { !$0.isEmpty }.listed("and")
    }

    /// In words of ours, one of a few.
    fileprivate var kindForLog: String {
        if forbiddingKey != nil { return "forbidden by the server" }
        return isUnreachable ? ConnectCause(saidByServer: detail)?.textForLog ?? "not reachable" : "ended by the server"
    }
}

extension ConnectCause {
    fileprivate var textForLog: String {
        switch self {
        case .nameNotFound: "the name does not exist"
        case .nameServersSilent: "the name servers do not answer"
        case .lookUpTimedOut: "the look-up timed out"
        case .tooManyLookUps: "too many look-ups"
        case .refused: "connection refused"
        case .timedOut: "timed out"
        case .networkUnreachable: "network unreachable"
        case .hostUnreachable: "host unreachable"
        case .reset: "connection reset"
        case .shortage: "the server is out of descriptors"
        }
    }
}
