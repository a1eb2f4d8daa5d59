import WstanBase
import WstanConfig
import WstanControl
import WstanCore

/// The keys of version 1 of a server that accepts none of them, while they are not retired: their clients are locked out.
struct RefusedKeys: Sendable, Equatable {
    /// As the interface tells it of a key.
    static let setting = "accept-v1 = no"

    /// Whose they are, in the order of the ring.
    let names: [KeyName]
    /// Whether the server accepts no other key.
    let areAll: Bool

    /// - Returns: nil where no key is refused.
    init?(_ ring: KeyRing, _ settings: Settings, now: CalendarTime) {
        guard settings.mode == .server, !settings.acceptV1 else { return nil }
        names = ring.entries.filter { $0.v1.isLive(at: now) }.map(\.name)
        guard !names.isEmpty else { return nil }
        areAll = ring.server.isEmpty || !ring.entries.contains { $0.v2.isLive(at: now) }
    }

    /// As a start or a reload would find them. Blocks.
    ///
    /// - Parameter running: the keys in force; nil: nothing runs.
    init?(
        _ configured: ConfiguredKey, _ settings: Settings, running: KeyRing? = nil
    ) throws(KeyRingFile.Failure) {
        guard settings.mode == .server, !settings.acceptV1 else { return nil }
        let stored = try running == nil ? settings.stateDirectory.map({ KeyRingFile(in: $0) })?.load() : nil
        var ring = running ?? stored ?? KeyRing(configured: configured.key, source: configured.ringSource)
        _ = ring.adopt(configured: configured.key, source: configured.ringSource)
        self.init(ring, settings, now: CalendarTime(seconds: WallClock.now()))
    }

    /// In words for an administrator: what it is, and what to do.
    var text: String { Concern.refusedKeys(of: names.map(\.text), areAll: areAll).text }
}
