import WstanBase

/// What a side can do, or what a user may do (FEATURES; absent is none).
struct Features: OptionSet, Sendable {
    let rawValue: UInt32

    static let udp = Features(rawValue: 1 << 0)
    static let reverse = Features(rawValue: 1 << 1)
    static let ip = Features(rawValue: 1 << 2)
    static let ethernet = Features(rawValue: 1 << 3)
    static let resumption = Features(rawValue: 1 << 4)
    static let striping = Features(rawValue: 1 << 5)
    static let unixTargets = Features(rawValue: 1 << 6)
}

/// TIMERS of P2, clamped: a server does not make a client send all the time, or keep what is of no use.
struct TunnelTimers: Equatable, Sendable {
    var ping: Duration
    var idle: Duration
    /// Of a tunnel, from its opening on.
    var life: Duration

    static let standard = TunnelTimers(ping: .seconds(25), idle: .seconds(300), life: .seconds(86_400))
}

/// POOL of P2: how many tunnels the server likes this user to keep. The client's own settings bound it.
struct PoolHint: Equatable, Sendable {
    var least: UInt8
    var most: UInt8
}

/// SHAPE of P2: the sizes to which the first plaintexts of each direction are padded, one range for each.
struct TrafficShape: Equatable, Sendable {
    private(set) var ranges: [ClosedRange<Int>]

    /// Clamps what a hostile server says.
    ///
    /// - Parameter ranges: the least and the most of each.
    init(_ ranges: [(UInt16, UInt16)]) {
        self.ranges = ranges.prefix(LimitsV2.shapes).map { least, most in
            let most = min(Int(most), LimitsV2.shapedSize)
            return min(Int(least), most)...most
        }
    }
}

extension Options {
    // MARK: P1 and P2

    /// Absent is none (section 14.7).
    var features: Features { Features(rawValue: integer(.features) ?? 0) }

    /// The longest plaintext that the sender takes.
    var recordLimit: Int { (integer(.record) as UInt32?).map { Int($0) } ?? LimitsV2.plaintext }

    // MARK: P1

    /// By preference of the client, as numbers: a server takes what it knows.
    var ciphers: [UInt8] { self[.ciphers] ?? [] }

    /// Name and version of the client, without what is not printable.
    var agent: String? { self[.agent].map { Printable.ascii($0) } }

    // MARK: P2

    var timers: TunnelTimers {
        guard let ping: UInt16 = integer(.timers), let idle: UInt16 = integer(.timers, at: 2),
            let life: UInt32 = integer(.timers, at: 4)
        else { return .standard }
        return TunnelTimers(
            ping: .seconds(min(max(Int(ping), 5), 45)), idle: .seconds(min(max(Int(idle), 10), 3600)),
            life: .seconds(max(Int(life), 60)))
    }

    var pool: PoolHint? {
        self[.pool].map { PoolHint(least: $0[0], most: max($0[0], $0[1])) }
    }

    /// When this key expires.
    var expiry: CalendarTime? {
        (integer(.expiry) as UInt64?).map { milliseconds in
            let (microseconds, overflows) = milliseconds.multipliedReportingOverflow(by: 1000)
            return CalendarTime(microseconds: overflows ? .max : Int64(clamping: microseconds))
        }
    }

    /// A text for the user's log, made fit for it.
    var notice: String? { self[.notice].map { Printable.prose(String(decoding: $0, as: UTF8.self).unicodeScalars) } }

    var shape: TrafficShape? {
        guard let value = self[.shape] else { return nil }
        var ranges: [(UInt16, UInt16)] = []
        value.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            while let least = reader.readInteger(UInt16.self), let most = reader.readInteger(UInt16.self) {
                ranges.append((least, most))
            }
        }
        return TrafficShape(ranges)
    }

    mutating func set(_ timers: TunnelTimers) {
        var value: [UInt8] = []
        value.append(integer: UInt16(clamping: timers.ping.components.seconds))
        value.append(integer: UInt16(clamping: timers.idle.components.seconds))
        value.append(integer: UInt32(clamping: timers.life.components.seconds))
        set(.timers, value)
    }

    mutating func set(_ shape: TrafficShape) {
        var value: [UInt8] = []
        for range in shape.ranges {
            value.append(integer: UInt16(clamping: range.lowerBound))
            value.append(integer: UInt16(clamping: range.upperBound))
        }
        set(.shape, value)
    }
}
