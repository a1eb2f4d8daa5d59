import WstanBase

/// What one wait for input has brought.
enum ReadOutcome {
    /// At least one byte, in the worker's scratch: to be used before the next wait.
    case bytes(UnsafeMutableRawBufferPointer)
    /// The other side has finished.
    case end
    case failed(SystemError)
    /// It was closed at this side, or is about to be.
    case closed
    case timedOut
    /// The reader does not want more. Nothing was taken.
    case unwanted
}

extension ByteEnd {
    /// Waits for input and reads it.
    ///
    /// - Parameters:
    ///   - most: asked after the wait.
    ///   - isWanted: asked before each wait and after it; nothing is taken that is not wanted.
    @inline(__always)
    func readNext(
        upTo most: () -> Int, deadline: Instant? = nil, while isWanted: () -> Bool = { true }
    ) async -> ReadOutcome {
        while isWanted() {
            switch await waitReadable(deadline: deadline) {
            case .ready: break
            case .closed: return isWanted() ? .closed : .unwanted
            case .timedOut: return .timedOut
            case .interrupted: continue
            }
            guard isWanted() else { return .unwanted }
            let body = worker.scratch.body(most())
            switch read(into: body) {
            case .bytes(let count): return .bytes(UnsafeMutableRawBufferPointer(rebasing: body[..<count]))
            case .end: return .end
            case .failed(let error): return .failed(error)
            case .wouldBlock: continue
            }
        }
        return .unwanted
    }
}

/// `ReadOutcome` of a reader that takes pieces.
enum ScatteredOutcome {
    /// To be used before the next wait.
    case pieces(ScatteredBytes)
    case end
    case failed(SystemError)
    case closed
    case timedOut
    case unwanted
}

extension ByteEnd {
    /// As `readNext(upTo:)`.
    @inline(__always)
    func readNext(into room: () -> ScatteredRoom, while isWanted: () -> Bool) async -> ScatteredOutcome {
        while isWanted() {
            switch await waitReadable(deadline: nil) {
            case .ready: break
            case .closed: return isWanted() ? .closed : .unwanted
            case .timedOut: return .timedOut
            case .interrupted: continue
            }
            guard isWanted() else { return .unwanted }
            let room = room()
            switch read(into: room) {
            case .bytes(let count): return .pieces(ScatteredBytes(room: room, byteCount: count))
            case .end: return .end
            case .failed(let error): return .failed(error)
            case .wouldBlock: continue
            }
        }
        return .unwanted
    }
}

/// The loop that moves bytes: it reads as much as the worker's memory allows, and gives the worker's other connections
/// their turn when it has read much. A struct of the function that loops.
struct ReadLoop<Source: ByteEnd> {
    let source: Source
    private var moved = 0

    init(_ source: Source) {
        self.source = source
    }

    /// - Parameters:
    ///   - most: what the reader takes at most, asked after the wait.
    ///   - turn: bytes after which it is the others' turn.
    @inline(__always)
    mutating func next(
        upTo most: () -> Int = { Scratch.bodySize }, turn: Int = TunnelLimits.turn, deadline: Instant? = nil,
        while isWanted: () -> Bool
    ) async -> ReadOutcome {
        let worker = source.worker
        if moved >= turn {
            moved = 0
            await worker.yield()
        }
        let outcome = await source.readNext(
            upTo: { worker.budget.allowance(most()) }, deadline: deadline, while: isWanted)
        if case .bytes(let bytes) = outcome { moved += bytes.count }
        return outcome
    }

    /// The same into pieces.
    ///
    /// - Parameter room: asked after the wait.
    @inline(__always)
    mutating func next(into room: () -> ScatteredRoom, while isWanted: () -> Bool) async -> ScatteredOutcome {
        if moved >= TunnelLimits.turn {
            moved = 0
            await source.worker.yield()
        }
        let outcome = await source.readNext(into: room, while: isWanted)
        if case .pieces(let pieces) = outcome { moved += pieces.byteCount }
        return outcome
    }

    /// The loop has waited for something else: the others have had their turn.
    mutating func rested() {
        moved = 0
    }
}
