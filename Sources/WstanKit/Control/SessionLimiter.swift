import WstanCore

/// Which connections to the control socket there are, and which one goes when there are too many. Strangers never take the
/// last sessions, nor those of others.
package struct SessionLimiter {
    package typealias ID = UInt64

    static let count = 64
    /// Kept for those who may change something.
    static let reserved = 16
    /// Of one user who may only look.
    static let ofOneStranger = 8

    package enum Admission: Equatable {
        /// - Parameter evicting: to be closed.
        case admitted(ID, evicting: ID?)
        case full
    }

    private struct Session {
        let id: ID
        let isStranger: Bool
        let user: UInt32
        /// A call is being served.
        var isBusy = false
        /// When it last became idle; the smaller, the earlier.
        var turn: UInt64
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
        } else if sessions.count >= Self.count || isCrowded {
            guard let victim = victim(for: isStranger) else { return .full }
            evicted = victim
            left(victim)
        }
        let turn = nextTurn()
        sessions.append(Session(id: turn, isStranger: isStranger, user: user, turn: turn))
        return .admitted(turn, evicting: evicted)
    }

    private func victim(for stranger: Bool) -> ID? {
        let strangers = sessions.filter(\.isStranger)
        if let idle = Self.oldest(strangers.filter { !$0.isBusy }) { return idle }
        guard !stranger else { return nil }
        return Self.oldest(strangers) ?? Self.oldest(sessions.filter { !$0.isBusy })
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
