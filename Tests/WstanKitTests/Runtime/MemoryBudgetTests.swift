import Testing

@testable import WstanKit

@Suite struct MemoryBudgetTests {
    @Test func `the tighter the memory, the smaller the allowance, down to what is always granted`() {
        let budget = MemoryBudget(limit: 320_000)
        #expect(budget.allowance(100) == 100)
        #expect(budget.allowance(1 << 20) == 10_000)
        budget.change(by: 80_000)
        #expect(budget.allowance(1 << 20) == 5000)
        budget.change(by: 75_000)
        #expect(budget.allowance(1 << 20) == MemoryBudget.smallest)
        // Bytes may be held beyond the limit by what was read before.
        budget.change(by: 1 << 20)
        #expect(budget.allowance(1 << 20) == MemoryBudget.smallest)
        #expect(budget.allowance(1) == 1)
        budget.change(by: -155_000 - (1 << 20))
        #expect(budget.held == 0)
    }

    @Test func `there is room up to half of the limit`() {
        let budget = MemoryBudget(limit: 20_000)
        budget.change(by: 9000)
        #expect(budget.hasRoom(for: 1000))
        #expect(!budget.hasRoom(for: 1001))
    }

    @Test func `tunnels have the other half, whatever is held`() {
        let budget = MemoryBudget(limit: 20 * MemoryBudget.perTunnel)
        budget.change(by: 1 << 30)
        var count = 0
        while budget.hasRoomForTunnel {
            budget.addTunnel()
            count += 1
        }
        #expect(count == 10)
        budget.removeTunnel()
        #expect(budget.hasRoomForTunnel)
        #expect(budget.held == 1 << 30)
    }
}
