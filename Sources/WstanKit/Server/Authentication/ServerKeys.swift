import WstanBase

/// The keys that a server accepts, in the order in which they are tried: those that were used last come first. And how
/// often each has been used. Confined to its worker, as are the authenticators.
final class ServerKeys: @unchecked Sendable {
    typealias AcceptedKey = ServerHandshakeV1.AcceptedKey

    /// The one that was used last comes first, and new ones come before all others.
    private var order: [AcceptedKey] = []
    /// Seconds since the epoch; nil: never.
    private var expiries: [KeyID: Double?] = [:]
    private var hasExpiries = false
    /// The key that each source has used last.
    private var lastKeys: [ClientAddress.Source: KeyID] = [:]
    /// Sources of which that is remembered.
    private static let rememberedSources = 4096
    /// Of those that are accepted, since the process began.
    private(set) var uses: [KeyID: KeyUse] = [:]

    init(_ keys: [LiveKey]) {
        install(keys)
    }

    /// These are accepted from now on. What is known of those that stay is kept.
    func install(_ keys: [LiveKey]) {
        expiries = Dictionary(keys.map { ($0.key.id, $0.expiry?.seconds) }, uniquingKeysWith: { first, _ in first })
        hasExpiries = expiries.values.contains { $0 != nil }
        let former = order.filter { expiries[$0.authenticator.keyID] != nil }
        let known = Set(former.map(\.authenticator.keyID))
        var added: Set<KeyID> = []
        let new = keys.filter { !known.contains($0.key.id) && added.insert($0.key.id).inserted }
        order = new.map { AcceptedKey($0.key) } + former
        uses = uses.filter { expiries[$0.key] != nil }
        lastKeys = lastKeys.filter { expiries[$0.value] != nil }
    }

    /// In the order in which they are tried.
    ///
    /// - Parameter source: whose request it is, if that is known: the key that it has used last comes first.
    func live(at now: Double, for source: ClientAddress.Source? = nil) -> [AcceptedKey] {
        var keys = hasExpiries ? order.filter { accepts($0.authenticator.keyID, now: now) } : order
        guard let last = source.flatMap({ lastKeys[$0] }), keys.first?.authenticator.keyID != last,
            let place = keys.firstIndex(where: { $0.authenticator.keyID == last })
        else { return keys }
        keys.swapAt(0, place)
        return keys
    }

    /// Whether a key is still one. Asked each time, so that a key ends on time whoever else forgets to drop it.
    func accepts(_ id: KeyID, now: Double) -> Bool {
        guard let expiry = expiries[id] else { return false }
        // False for a NaN.
        return expiry.map { now < $0 } ?? true
    }

    func used(_ id: KeyID, now: Double, by source: ClientAddress.Source? = nil) {
        uses[id, default: KeyUse()].count(at: CalendarTime(seconds: now))
        guard order.count > 1 else { return }
        if let source, lastKeys[source] != id {
            if lastKeys.count >= Self.rememberedSources { lastKeys.removeAll(keepingCapacity: true) }
            lastKeys[source] = id
        }
        guard order[0].authenticator.keyID != id,
            let place = order.firstIndex(where: { $0.authenticator.keyID == id })
        else { return }
        order.insert(order.remove(at: place), at: 0)
    }
}
