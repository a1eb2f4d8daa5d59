import Testing

@testable import WstanCore

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

    @Test func `heads of requests have a quarter, and whoever is responsible is told when it is not enough`() {
        let budget = MemoryBudget(limit: 40_000)
        var told = 0
        budget.whenHeadsOverflow = { told += 1 }
        budget.changeHeads(by: 10_000)
        #expect(told == 0 && !budget.headsOverflow)
        budget.changeHeads(by: 1)
        #expect(told == 1 && budget.headsOverflow)
        budget.changeHeads(by: -2)
        #expect(told == 1 && !budget.headsOverflow)
        // They take nothing from the tunnels.
        #expect(budget.held == 0 && budget.heads == 9999)
    }

    @Test func `tunnels have a quarter, whatever is held`() {
        let budget = MemoryBudget(limit: 40 * MemoryBudget.perTunnel)
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

    @Test func `what is stuck has a quarter, and the less of it is left, the less a tunnel may hold`() {
        let budget = MemoryBudget(limit: 4_000_000)
        var told = 0
        budget.whenStuckOverflow = { told += 1 }
        #expect(budget.stuckAllowance == 62_500)
        budget.changeStuck(by: 500_000)
        #expect(budget.stuckAllowance == 31_250)
        budget.changeStuck(by: 500_000)
        #expect(budget.stuckAllowance == MemoryBudget.smallest)
        #expect(told == 0 && !budget.stuckOverflow)
        budget.changeStuck(by: 1)
        #expect(told == 1 && budget.stuckOverflow)
        budget.changeStuck(by: -1)
        #expect(told == 1 && !budget.stuckOverflow)
        // A message of 66 KiB becomes complete under any limit.
        budget.limit = 0
        budget.changeStuck(by: 100_000 - budget.stuck)
        #expect(told == 1 && !budget.stuckOverflow)
    }
}
