import WstanBase

/// The keys that a server accepts, in the order in which they are tried, and how often each has been used. Confined to
/// its worker, as are the authenticators.
final class ServerKeys: @unchecked Sendable {
    private struct Entry {
        let key: ServerHandshakeV1.AcceptedKey
        /// Seconds since the epoch; nil: never.
        var expiry: Double?

        /// Asked each time, so that a key ends on time whoever else forgets to drop it.
        func isLive(at now: Double) -> Bool {
            // False for a NaN.
            expiry.map { now < $0 } ?? true
        }
    }

    private var all: [Entry] = []
    private var places: [KeyID: Int] = [:]
    /// Of those that are accepted, since the process began.
    private(set) var uses: [KeyID: KeyUse] = [:]

    init(_ keys: [LiveKey]) {
        install(keys)
    }

    /// These are accepted from now on. What is known of those that stay is kept.
    func install(_ keys: [LiveKey]) {
        let former = all
        all = keys.map { key in
            let id = key.key.id
            if let place = places[id] {
                var same = former[place]
                same.expiry = key.expiry?.seconds
                return same
            }
            return Entry(key: ServerHandshakeV1.AcceptedKey(key.key), expiry: key.expiry?.seconds)
        }
        places = Dictionary(
            all.enumerated().map { ($1.key.authenticator.keyID, $0) }, uniquingKeysWith: { first, _ in first })
        uses = uses.filter { places[$0.key] != nil }
    }

    func live(at now: Double) -> [ServerHandshakeV1.AcceptedKey] {
        all.compactMap { $0.isLive(at: now) ? $0.key : nil }
    }

    /// Whether a key is still one.
    func accepts(_ id: KeyID, now: Double) -> Bool {
        places[id].map { all[$0].isLive(at: now) } ?? false
    }

    func used(_ id: KeyID, now: Double) {
        uses[id, default: KeyUse()].count(at: CalendarTime(seconds: now))
    }
}
