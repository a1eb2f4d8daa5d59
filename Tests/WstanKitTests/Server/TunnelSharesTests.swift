import Testing

@testable import WstanCore

@Suite struct TunnelSharesTests {
    private static func holder(_ name: String) -> Party { .holder(name) }

    @Test func `the longest idle tunnel of whoever has most gives way`() throws {
        let (a, b) = (Self.holder("a"), Self.holder("b"))
        var shares = TunnelShares()
        for tunnel in UInt64(1)...5 {
            shares.opened(by: a)
            shares.becameIdle(tunnel, of: a)
        }
        shares.opened(by: b)
        shares.becameIdle(6, of: b)
        // 1 has been used since.
        shares.becameIdle(1, of: a)
        var idle: Set<UInt64> = [1, 3, 4, 5, 6]
        var order: [UInt64] = []
        while let tunnel = shares.longestIdle(for: b, isIdle: { idle.contains($0) }) {
            order.append(tunnel)
            idle.remove(tunnel)
            shares.left(tunnel, of: tunnel == 6 ? b : a)
        }
        #expect(order == [3, 4, 5, 1, 6])
        #expect(shares.count == 1)
    }

    @Test func `a holder's own idle tunnel goes before that of one who has less`() throws {
        let (a, b) = (Self.holder("a"), Self.holder("b"))
        var shares = TunnelShares()
        shares.opened(by: a)
        shares.opened(by: a)
        shares.opened(by: b)
        shares.becameIdle(3, of: b)
        let none = shares.longestIdle(for: a) { _ in true }
        #expect(none == nil)
        shares.becameIdle(2, of: a)
        let own = shares.longestIdle(for: a) { _ in true }
        #expect(own == 2)
    }

    @Test func `where none is idle one of the greatest goes, unless the newcomer would have as many`() throws {
        let (a, b) = (Self.holder("a"), Self.holder("b"))
        var shares = TunnelShares()
        for _ in 0..<3 { shares.opened(by: a) }
        #expect(shares.greatest(beside: a) == nil)
        #expect(shares.greatest(beside: b) == a)
        shares.opened(by: b)
        #expect(shares.greatest(beside: b) == a)
        shares.opened(by: b)
        #expect(shares.greatest(beside: b) == nil)
    }

    /// Whoever comes, in whatever order: nobody is kept out below an equal share, and nobody's last tunnels are taken.
    @Test func `it ends in equal shares, as far as each wants them`() throws {
        let holders = (0..<5).map { Self.holder("h\($0)") }
        for seed in 0..<20 {
            var random = SeededRandomness(seed: UInt64(seed))
            var shares = TunnelShares()
            var open: [UInt64: Party] = [:]
            let capacity = 50
            for step in UInt64(1)...3000 {
                // The first one wants most by far.
                let holder = random.below(4) > 0 ? holders[0] : holders[1 + random.below(4)]
                if shares.count >= capacity {
                    let greatest = shares.greatest(beside: holder)
                    guard let gone = open.first(where: { $0.value == greatest })?.key else { continue }
                    shares.left(gone, of: open.removeValue(forKey: gone) ?? holder)
                }
                shares.opened(by: holder)
                open[step] = holder
            }
            #expect(open.count == capacity)
            for holder in holders { #expect(abs(open.values.count { $0 == holder } - 10) <= 1) }
        }
    }

    @Test func `it does not grow with tunnels that are used again and again`() throws {
        let a = Self.holder("a")
        var shares = TunnelShares()
        shares.opened(by: a)
        for _ in 0..<10_000 { shares.becameIdle(1, of: a) }
        let kept = String(reflecting: shares).count
        #expect(kept < 20_000)
    }
}
