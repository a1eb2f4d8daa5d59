import Glibc
import Synchronization
import Testing

@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct WriterThreadTests {
    private final class Paper: Sendable {
        let lines = Mutex<[Int]>([])
        let dropped = Mutex(0)
    }

    @Test func `all is written in its order`() {
        let paper = Paper()
        let thread = WriterThread<Int> { items, _ in paper.lines.withLock { $0 += items } }
        for number in 0..<500 { thread.add(number) }
        thread.flush()
        #expect(paper.lines.withLock { $0 } == Array(0..<500))
    }

    /// Whoever adds must never wait, which the time limit of this suite holds.
    @Test func `one who does not read loses what does not fit, and is told how much`() {
        let paper = Paper()
        let gate = Gate()
        let thread = WriterThread<Int>(capacity: 10) { items, dropped in
            gate.wait()
            paper.lines.withLock { $0 += items }
            paper.dropped.withLock { $0 += dropped }
        }
        thread.add(0)
        gate.awaitVisitor()
        for number in 1...100 { thread.add(number) }
        gate.open()
        thread.flush()
        #expect(paper.lines.withLock { $0 } == Array(0...10))
        #expect(paper.dropped.withLock { $0 } == 90)
    }

    /// Holds the one who waits until it is opened.
    private final class Gate: Sendable {
        private let isOpen = Atomic(false)
        private let hasVisitor = Atomic(false)

        func wait() {
            hasVisitor.store(true, ordering: .sequentiallyConsistent)
            while !isOpen.load(ordering: .sequentiallyConsistent) { usleep(1000) }
        }

        func awaitVisitor() {
            while !hasVisitor.load(ordering: .sequentiallyConsistent) { usleep(1000) }
        }

        func open() { isOpen.store(true, ordering: .sequentiallyConsistent) }
    }
}
