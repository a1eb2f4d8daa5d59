import WstanBase

/// How often a key was used, and when last.
package struct KeyUse: Sendable, Equatable {
    package var count: UInt64 = 0
    package var last: CalendarTime?
    /// Of a user of version 2: when last with each of the server's keys, by their ids.
    package var servers: [KeyID: CalendarTime] = [:]

    package init(count: UInt64 = 0, last: CalendarTime? = nil, servers: [KeyID: CalendarTime] = [:]) {
        self.count = count
        self.last = last
        self.servers = servers
    }

    /// - Parameter server: the server's key that the request was for; version 2 only.
    mutating func count(at time: CalendarTime, with server: KeyID? = nil) {
        count &+= 1
        last = max(last ?? time, time)
        if let server { servers[server] = max(servers[server] ?? time, time) }
    }

    package static func + (a: KeyUse, b: KeyUse) -> KeyUse {
        KeyUse(
            count: a.count &+ b.count, last: [a.last, b.last].compactMap { $0 }.max(),
            servers: a.servers.merging(b.servers, uniquingKeysWith: max))
    }
}
