import Glibc
import Synchronization
import Testing

@testable import WstanCore

@Suite(.timeLimit(.minutes(1))) struct DetachedThreadTests {
    private final class Note: Sendable {
        let thread = Atomic<UInt>(0)
    }

    @Test(arguments: [nil, 256 * 1024]) func `a body runs on a thread of its own`(stackSize: Int?) {
        let note = Note()
        let error = DetachedThread.start(stackSize: stackSize) {
            note.thread.store(UInt(pthread_self()), ordering: .sequentiallyConsistent)
        }
        #expect(error == nil)
        while note.thread.load(ordering: .sequentiallyConsistent) == 0 { usleep(1000) }
        #expect(note.thread.load(ordering: .sequentiallyConsistent) != UInt(pthread_self()))
    }
}
