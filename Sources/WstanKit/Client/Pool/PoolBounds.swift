/// How many tunnels a pool keeps, and for how long: by the client's own settings, and by what its server likes within
/// these (POOL and TIMERS of protocol-v2.md section 5). A value.
struct PoolBounds {
    struct Limits: Equatable {
        var size: Int
        var minimum: Int
        var maxIdle: Duration
    }

    var own: Limits
    private var hint: PoolHint?
    private var idle: Duration?

    init(size: Int, minimum: Int, maxIdle: Duration) {
        own = Limits(size: size, minimum: minimum, maxIdle: maxIdle)
    }

    /// - Parameter options: of M2.
    /// - Returns: whether other limits are in force now.
    mutating func adopt(_ options: Options) -> Bool {
        let before = inForce
        hint = options.pool
        idle = options.has(.timers) ? options.timers.idle : nil
        return inForce != before
    }

    /// A server can have fewer tunnels kept, and more opened ahead; not none, and not where none are opened ahead.
    var inForce: Limits {
        var limits = own
        if let hint {
            limits.size = min(own.size, max(1, Int(hint.most)))
            if own.minimum > 0 { limits.minimum = min(max(own.minimum, Int(hint.least)), limits.size) }
        }
        if let idle { limits.maxIdle = min(own.maxIdle, idle) }
        return limits
    }
}
