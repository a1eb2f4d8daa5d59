import Testing

@testable import WstanCore

/// POOL and TIMERS within the client's own settings.
@Suite struct PoolBoundsTests {
    private static func bounds(minimum: Int, pool: [UInt8]?, idle: UInt16? = nil) -> PoolBounds.Limits {
        var bounds = PoolBounds(size: 8, minimum: minimum, maxIdle: .seconds(300))
        var options = Options()
        if let pool { options.set(.pool, pool) }
        if let idle { options.set(TunnelTimers(ping: .seconds(25), idle: .seconds(Int(idle)), life: .seconds(100))) }
        _ = bounds.adopt(options)
        return bounds.inForce
    }

    @Test func `a server has fewer kept and more opened ahead, within the client's bounds`() {
        func limits(_ size: Int, _ minimum: Int, idle: Int = 300) -> PoolBounds.Limits {
            PoolBounds.Limits(size: size, minimum: minimum, maxIdle: .seconds(idle))
        }
        #expect(Self.bounds(minimum: 1, pool: nil) == limits(8, 1))
        #expect(Self.bounds(minimum: 1, pool: [3, 5]) == limits(5, 3))
        #expect(Self.bounds(minimum: 4, pool: [2, 255]) == limits(8, 4))
        #expect(Self.bounds(minimum: 1, pool: [255, 255]) == limits(8, 8))
        #expect(Self.bounds(minimum: 1, pool: [0, 0]) == limits(1, 1))
        // Where none are opened ahead, none are.
        #expect(Self.bounds(minimum: 0, pool: [5, 5]) == limits(5, 0))
        #expect(Self.bounds(minimum: 1, pool: nil, idle: 60) == limits(8, 1, idle: 60))
        #expect(Self.bounds(minimum: 1, pool: nil, idle: 1) == limits(8, 1, idle: 10))
        #expect(Self.bounds(minimum: 1, pool: nil, idle: 3600) == limits(8, 1))
    }

    @Test func `a pool is told only when something has changed`() {
        var bounds = PoolBounds(size: 8, minimum: 1, maxIdle: .seconds(300))
        var options = Options()
        options.set(.pool, [2, 4])
        let news = [Options(), options, options, Options()].map { bounds.adopt($0) }
        #expect(news == [false, true, false, true])
    }
}
