import WstanCore

/// Which connections to the control socket there are, and which one goes when there are too many. Strangers never take the
/// last sessions, nor those of others; and the very last ones are for root and the daemon's own user.
package struct SessionLimiter {
    package typealias ID = UInt64

    static let count = 64
    /// Kept for those who may change something.
    static let reserved = 16
    /// The same for owners: a member's calls may last, as those that follow something do.
    static let ofOwners = 8
    /// Of one user who may only look.
    static let ofOneStranger = 8

    package enum Admission: Equatable {
        /// - Parameter evicting: to be closed.
        case admitted(ID, evicting: ID?)
        case full
    }

    private struct Session {
        let id: ID
        let standing: ControlAuthority.Standing
        let user: UInt32
        /// A call is being served.
        var isBusy = false
        /// When it last became idle; the smaller, the earlier.
        var turn: UInt64

        var isStranger: Bool { standing == .stranger }
    }

    private var sessions: [Session] = []
    private var last: UInt64 = 0

    private mutating func nextTurn() -> UInt64 {
        last += 1
        return last
    }

    mutating func admit(_ standing: ControlAuthority.Standing, of user: UInt32) -> Admission {
        let isStranger = standing == .stranger
        var evicted: ID?
        let own = isStranger ? sessions.filter { $0.isStranger && $0.user == user } : []
        let isCrowded = isStranger && sessions.count { $0.isStranger } >= Self.count - Self.reserved
        if own.count >= Self.ofOneStranger {
            guard let victim = Self.oldest(own.filter { !$0.isBusy }) else { return .full }
            evicted = victim
            left(victim)
        } else if sessions.count >= Self.count || isCrowded || standing == .member && leavesOnlyOwners {
            guard let victim = victim(for: standing) else { return .full }
            evicted = victim
            left(victim)
        }
        let turn = nextTurn()
        sessions.append(Session(id: turn, standing: standing, user: user, turn: turn))
        return .admitted(turn, evicting: evicted)
    }

    private var leavesOnlyOwners: Bool { sessions.count { $0.standing != .owner } >= Self.count - Self.ofOwners }

    private func victim(for standing: ControlAuthority.Standing) -> ID? {
        let strangers = sessions.filter(\.isStranger)
        if let idle = Self.oldest(strangers.filter { !$0.isBusy }) { return idle }
        guard standing != .stranger else { return nil }
        if let stranger = Self.oldest(strangers) { return stranger }
        let idle = sessions.filter { !$0.isBusy }
        return Self.oldest(idle.filter { $0.standing == .member }) ?? (standing == .owner ? Self.oldest(idle) : nil)
    }

    private static func oldest(_ sessions: [Session]) -> ID? { sessions.min { $0.turn < $1.turn }?.id }

    mutating func began(_ id: ID) {
        guard let index = sessions.firstIndex(where: { $0.id == id }) else { return }
        sessions[index].isBusy = true
    }

    mutating func becameIdle(_ id: ID) {
        let turn = nextTurn()
        guard let index = sessions.firstIndex(where: { $0.id == id }) else { return }
        sessions[index].isBusy = false
        sessions[index].turn = turn
    }

    mutating func left(_ id: ID) {
        sessions.removeAll { $0.id == id }
    }
}
