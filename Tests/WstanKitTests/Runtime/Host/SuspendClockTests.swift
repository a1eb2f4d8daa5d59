import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct SuspendClockTests {
    @Test func `the clock that counts sleep runs ahead by the sleep, and that is told once`() {
        var clock = SuspendClock(ahead: .seconds(1000))
        #expect(clock.hasSlept(ahead: .seconds(1000)) == false)
        #expect(clock.hasSlept(ahead: .seconds(1002)) == false)
        #expect(clock.hasSlept(ahead: .milliseconds(1_002_001)) == true)
        #expect(clock.hasSlept(ahead: .milliseconds(1_002_001)) == false)
        // Naps add up.
        #expect(clock.hasSlept(ahead: .milliseconds(1_003_500)) == false)
        #expect(clock.hasSlept(ahead: .milliseconds(1_004_500)) == true)
    }

    @Test func `a machine that is awake has not slept`() {
        var clock = SuspendClock()
        #expect(clock.hasSlept() == false)
    }

    @Test func `the timer comes back, again and again`() async throws {
        try await WorkerThread.run { worker in
            let count = Count()
            let timer = try WakeTimer(every: 1, on: worker) { count.value += 1 }
            await worker.until { count.value == 2 }
            timer.close()
        }
    }

    private final class Count: @unchecked Sendable {
        var value = 0
    }
}
