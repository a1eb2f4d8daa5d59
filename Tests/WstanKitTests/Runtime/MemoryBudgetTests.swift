import Testing

@testable import WstanKit

@Suite(.timeLimit(.minutes(1))) struct MemoryBudgetTests {
    @Test func `the tighter the memory, the smaller the allowance`() {
        let budget = MemoryBudget(limit: 160_000)
        #expect(budget.allowance(100) == 100)
        #expect(budget.allowance(1 << 20) == 10_000)
        budget.hold(150_000)
        #expect(budget.allowance(1 << 20) == 2048)
        #expect(budget.allowance(100) == 100)
        budget.hold(7952)
        #expect(budget.allowance(1 << 20) == 2048)
        budget.hold(1)
        #expect(budget.allowance(1) == nil)
        // Bytes may be held beyond the limit by what was read before.
        budget.hold(10_000)
        #expect(budget.allowance(1) == nil)
        budget.release(167_953)
        #expect(budget.held == 0)
    }

    @Test func `many readers never hold more than the limit together`() {
        let budget = MemoryBudget(limit: 1 << 20)
        while let allowance = budget.allowance(1 << 18) {
            budget.hold(allowance)
            #expect(budget.held <= budget.limit)
        }
        #expect(budget.limit - budget.held < 2048)
    }

    @Test func `those who wait for room are woken once there is enough`() async throws {
        let woken = try await WorkerThread.run { worker in
            let budget = MemoryBudget(limit: 10_000)
            budget.hold(10_000)
            let counter = Counter()
            let waiting = Reference(budget)
            return await withTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        await waiting.value.room()
                        counter.value += 1
                    }
                }
                await worker.settle()
                budget.release(2047)
                await worker.settle()
                let early = counter.value
                budget.release(1)
                await group.waitForAll()
                return [early, counter.value]
            }
        }
        #expect(woken == [0, 3])
    }

    /// Confined to the worker of the test.
    private final class Counter: @unchecked Sendable {
        var value = 0
    }

    private struct Reference: @unchecked Sendable {
        let value: MemoryBudget
        init(_ value: MemoryBudget) { self.value = value }
    }
}
