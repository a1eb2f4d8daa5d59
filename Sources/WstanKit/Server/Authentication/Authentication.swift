import WstanBase

/// A request that has passed every check; only `Authentication` makes one.
struct VerifiedRequest {
    let opening: Opening
    /// The value for the 101.
    let accept: String
    let sealer: Sealer
    let opener: Opener

    /// Of the key that has opened the tunnel.
    var keyID: KeyID { opener.keyID }

    fileprivate init(_ candidate: ServerHandshake.Candidate) {
        opening = candidate.opening
        accept = candidate.accept
        sealer = candidate.sealer
        opener = candidate.opener
    }
}

/// The same in version 2.
struct VerifiedRequestV2 {
    let judged: JudgedRequest
    /// The value for the 101.
    let accept: String
    /// When its key ends; nil: that is not known.
    let keyEnd: WireTime?

    /// Of the user's key that has opened the tunnel.
    var keyID: KeyID { KeyID(judged.user.key.id) }
    /// When it was made, in seconds since the epoch.
    var time: Double { Double(judged.time.milliseconds) / 1000 }

    fileprivate init(_ judged: JudgedRequest, accept: String, keyEnd: WireTime?) {
        self.judged = judged
        self.accept = accept
        self.keyEnd = keyEnd
    }
}

/// Decides whether the head of an HTTP request opens a tunnel. Confined to its worker.
final class Authentication: @unchecked Sendable {
    private(set) var options: ServerOptions
    let keys: ServerKeys
    let users: ServerUsers
    private let replayGuard: ReplayGuard
    private let whenFull: (KeyID) -> Void

    /// - Parameter whenFull: no more requests of a key's name can be remembered, and this one is refused.
    init(options: ServerOptions, replayGuard: ReplayGuard, whenFull: @escaping (KeyID) -> Void = { _ in }) {
        self.options = options
        self.replayGuard = replayGuard
        self.whenFull = whenFull
        keys = ServerKeys(options.keys.map { LiveKey(key: $0) })
        users = ServerUsers(options.identity)
    }

    /// Others are in force from now on; the keys have a way of their own.
    func apply(_ options: ServerOptions) {
        self.options = options
    }

    /// The order matters: the request is remembered only when all else has held, or one capture under fresh nonces would
    /// fill the memory.
    ///
    /// - Parameters:
    ///   - candidate: a request whose key has been found by `trial`.
    ///   - identified: told whose request it is, though it may be refused then.
    func verify(
        _ candidate: ServerHandshake.Candidate, from source: ClientAddress.Source, now: Moment,
        identified: (KeyID) -> Void = { _ in }
    ) throws(Refusal) -> VerifiedRequest {
        identified(candidate.keyID)
        try check(candidate.keyID, now: now.wall)
        try check(candidate.opening.time, now: now.wall)
        if remembersRequests {
            try remember(candidate.identity, of: candidate.opening.time, under: candidate.keyID, opens: true, now: now)
        } else if !replayGuard.opens(under: candidate.keyID, now: now) {
            throw .overLimit(.rate)
        }
        keys.used(candidate.keyID, now: now.wall, by: source)
        return VerifiedRequest(candidate)
    }

    /// Looks for the key of a request, a piece at a time.
    func trial(_ request: ServerHandshake.Request, from source: ClientAddress.Source, now: Double) -> HandshakeTrial {
        HandshakeTrial(of: request, by: versions(now: now, source))
    }

    /// By which a connection is judged, one after the other.
    private func versions(now: Double, _ source: ClientAddress.Source) -> [ServerHandshake] {
        let mode = HandshakeModeV1(usesCipher: options.usesCipher, isCompatible: options.compatible)
        return [.v1(ServerHandshakeV1(mode: mode, keys: keys.live(at: now, for: source)))]
    }

    // MARK: Version 2

    /// Judges a request by version 2, which comes first.
    ///
    /// - Parameters:
    ///   - binding: of the TLS connection that ends here.
    ///   - identified: told whose request it says it is, though it may be refused then.
    /// - Returns: nil where version 2 is not spoken.
    func judge(
        _ request: ServerHandshake.Request, binding: [UInt8]?, now: Moment, identified: (KeyID) -> Void = { _ in }
    ) -> Result<JudgedRequest, HandshakeRefusal>? {
        guard let handshake = users.handshake(lifetime: options.requestTTL, now: now.wall) else { return nil }
        let circumstances = ServerHandshakeV2.Circumstances(
            now: WireTime(CalendarTime(seconds: now.wall)), binding: binding)
        let candidate = RequestCandidate(in: request.head, for: handshake.keys)
        do throws(HandshakeRefusal) {
            return .success(
                try handshake.judge(
                    candidate, in: circumstances,
                    isRemembered: { identity in
                        guard let token = Nonce(prefixOf: identity.salt) else { return true }
                        return replayGuard.remembers(token, under: KeyID(identity.keyID))
                    }, identified: { identified(KeyID($0)) }))
        } catch {
            return .failure(error)
        }
    }

    /// Remembers a request that has been judged, whatever is on the way: nothing is said to its maker before.
    ///
    /// - Parameter identified: told whose request it is, though it may be refused then.
    func verify(
        _ judged: JudgedRequest, in request: ServerHandshake.Request, now: Moment, identified: (KeyID) -> Void = { _ in }
    ) throws(Refusal) -> VerifiedRequestV2 {
        guard let token = Nonce(prefixOf: judged.identity.salt) else { throw .notARequest }
        let verified = VerifiedRequestV2(
            judged, accept: Base64.encode(Nonce.accept(forKey: request.key)), keyEnd: users.end(of: judged))
        identified(verified.keyID)
        guard request.lacking.isEmpty else { throw .wire(.incompleteUpgrade(lacking: request.lacking)) }
        // The window may be narrower than `request-ttl` for those that were made before it was raised.
        try checkAge(of: verified.time, now: now.wall)
        try remember(token, of: verified.time, under: verified.keyID, opens: true, now: now)
        if !judged.isExpired, !judged.isOwn { users.used(verified.keyID, of: judged.serverKey, now: now.wall) }
        return verified
    }

    // MARK: Later

    /// A request that comes as a message on a tunnel expires too, and its key must still be a key.
    func admit(_ stamp: RequestStamp, under key: KeyID, now: Moment) throws(Refusal) {
        try check(key, now: now.wall)
        if let time = stamp.time {
            try check(time, now: now.wall)
            // Who has seen it pass could send it once more.
            if remembersRequests, let identity = stamp.identity {
                try remember(identity.token, of: time, under: key, opens: false, now: now)
            }
        }
        if users.knows(key) { users.used(key, now: now.wall) } else { keys.used(key, now: now.wall) }
    }

    /// A tunnel keeps the key that it was opened with; nothing new is asked for with one that is retired or has expired.
    func check(_ key: KeyID, now: Double) throws(Refusal) {
        guard accepts(key, now: now) else { throw users.knows(key) ? Refusal.keyExpired : .wire(.badAuthentication) }
    }

    func accepts(_ key: KeyID, now: Double) -> Bool {
        options.acceptV1 && keys.accepts(key, now: now) || users.accepts(key, now: now)
    }

    /// To be awaited before a request that has held is answered; see `ReplayGuard`.
    func settle(_ request: VerifiedRequest, on worker: Worker) async {
        guard remembersRequests else { return }
        await replayGuard.settle(request.opening.time, under: request.keyID, on: worker)
    }

    func settle(_ request: VerifiedRequestV2, on worker: Worker) async {
        await replayGuard.settle(request.time, under: request.keyID, on: worker)
    }

    /// Under TLS, requests of clients without a clock may be let in at any time, any number of times.
    private var remembersRequests: Bool { options.usesCipher || options.replayUnderTLS }

    private func remember(
        _ identity: Nonce, of time: Double, under key: KeyID, opens: Bool, now: Moment
    ) throws(Refusal) {
        let claim = ReplayGuard.Claim(
            token: identity, key: key, time: time, lifetime: lifetime(ofRequestAt: time), opens: opens)
        switch replayGuard.admit(claim, now: now) {
        case .new: break
        case .seen: throw .wire(.replayed)
        case .forgotten(let seconds): throw .forgotten(seconds: seconds)
        case .full:
            whenFull(key)
            throw .overLimit(.requests)
        case .tooFast: throw .overLimit(.rate)
        }
    }

    private func check(_ time: Double, now: Double) throws(Refusal) {
        if remembersRequests { try checkAge(of: time, now: now) }
    }

    private func checkAge(of time: Double, now: Double) throws(Refusal) {
        let age = now - time
        // False for a NaN, whichever way it came in.
        guard abs(age) <= lifetime(ofRequestAt: time) else { throw .wire(.expired(seconds: -age)) }
    }

    /// In seconds.
    private func lifetime(ofRequestAt time: Double) -> Double {
        min(options.requestTTL.inSeconds, replayGuard.lifetime(ofRequestAt: time))
    }
}
