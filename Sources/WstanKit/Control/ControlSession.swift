import WstanBase
import WstanControl
import WstanCore

/// One connection to the control socket: it takes one call after the other, and reads on only when what came is answered and
/// the answer is on its way. Confined to its worker.
package final class ControlSession: @unchecked Sendable {
    let stream: Stream
    let caller: ControlCaller
    let standing: ControlAuthority.Standing
    private let dispatcher: ControlDispatcher
    private let pace: () -> Duration
    private var frames: MessageFrames
    private var pausing: Wait<Void>?

    /// How a session has ended.
    package enum Ending: Equatable {
        /// The client has left, or was closed for the sake of another.
        case left
        case malformed
        /// The client did not read what it was sent.
        case slow
    }

    /// A caller that may only look has nothing long to say.
    private static let strangersLimit = 16 * 1024
    private static let readSize = 16 * 1024
    /// For a client to read what it has asked for.
    private static let patience: Duration = .seconds(10)

    /// - Parameter pace: asked at each call, how long it has to wait.
    package init(
        _ stream: Stream, caller: ControlCaller, standing: ControlAuthority.Standing, dispatcher: ControlDispatcher,
        pace: @escaping () -> Duration
    ) {
        self.stream = stream
        self.caller = caller
        self.standing = standing
        self.dispatcher = dispatcher
        self.pace = pace
        frames = MessageFrames(limit: standing == .stranger ? Self.strangersLimit : MessageFrames.limit)
    }

    /// - Parameter isBusy: told when a call begins and when the client may say the next one.
    func run(isBusy: (Bool) -> Void) async -> Ending {
        stream.onPeerGone = { [weak self] in self?.noticed() }
        let ending = await serve(isBusy)
        stream.heldElsewhere = 0
        switch ending {
        case .slow: stream.abort()
        case .left, .malformed: stream.closeOrderly(awaitingPeer: false)
        }
        return ending
    }

    private func serve(_ isBusy: (Bool) -> Void) async -> Ending {
        while true {
            while let message = frames.next() {
                isBusy(true)
                let wait = pace()
                if wait > .zero, await !pause(for: wait) { return .left }
                do throws(ControlCall.Malformed) {
                    await dispatcher.answer(try ControlCall(reading: message), of: self)
                } catch {
                    return .malformed
                }
                isBusy(false)
                if isSlow { return .slow }
                guard !isOver else { return .left }
                // Others have their turn between two calls of a session that has sent many.
                await stream.worker.yield()
            }
            do throws(MessageFrames.TooLong) {
                guard try await readMore() else { return .left }
            } catch {
                return .malformed
            }
        }
    }

    private func readMore() async throws(MessageFrames.TooLong) -> Bool {
        while true {
            switch await stream.waitReadable() {
            case .ready: break
            case .interrupted: continue
            case .timedOut, .closed: return false
            }
            let buffer = stream.worker.scratch.body(Self.readSize)
            switch stream.read(into: buffer) {
            case .bytes(let count):
                try frames.append(buffer[..<count])
                // A key may be in it.
                Erasure.erase(UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
                stream.heldElsewhere = frames.count
                return true
            case .wouldBlock: continue
            case .end, .failed: return false
            }
        }
    }

    // MARK: Answers

    private var isSlow = false
    private var sent: UInt64 = 0
    /// So many replies at a time.
    private static let turn: UInt64 = 16

    /// No answer would be read. A client that has only shut down its sending side still reads.
    var isOver: Bool { isSlow || stream.isGone || stream.peerHasClosed }

    /// - Returns: whether it is worth while to send more.
    @discardableResult
    func send(_ reply: ControlReply) async -> Bool {
        guard !isOver else { return false }
        write(reply)
        sent &+= 1
        // A long list goes out as fast as the client takes it, and others have their turn meanwhile.
        if sent % Self.turn == 0 { await stream.worker.yield() }
        await stream.waitDrained(until: stream.worker.now + Self.patience)
        if stream.pendingCount > 0 { isSlow = true }
        return !isOver
    }

    private func write(_ reply: ControlReply) {
        var bytes = reply.bytes
        if bytes.count > MessageFrames.limit {
            bytes = ControlReply(.operationFailed(message: "the reply is longer than a message may be")).bytes
        }
        stream.write(bytes + [0])
    }

    /// - Returns: whether the client is still there.
    func pause(for duration: Duration) async -> Bool {
        guard !isOver else { return false }
        let wait = Wait<Void>(worker: stream.worker)
        pausing = wait
        await wait.value(deadline: stream.worker.now + duration, onTimeout: (), onCancel: ())
        pausing = nil
        return !isOver
    }

    private func noticed() {
        if isOver { pausing?.fulfill(()) }
    }
}

/// The way to answer a call more than once, from any worker.
///
/// It is over when the client has gone, or does not read what it is sent. The methods say so by returning false: there is
/// nothing more to do then.
package final class ControlReplies<Method: ControlMethod>: @unchecked Sendable {
    private let session: ControlSession
    /// Whether the client has asked for more than one reply; without that nothing is sent here.
    package let wantsMore: Bool

    package init(_ session: ControlSession, wantsMore: Bool) {
        self.session = session
        self.wantsMore = wantsMore
    }

    package func send(_ reply: Method.Reply) async -> Bool { await send([reply]) }

    /// Sends some that others follow, and waits until the client has room for the next: for lists.
    package func send(_ replies: [Method.Reply]) async -> Bool {
        guard wantsMore else { return false }
        return await session.stream.worker.perform { [session] in
            for reply in replies {
                guard await session.send(ControlReply(ControlCoding.object(of: reply), continues: true)) else { return false }
            }
            return true
        }
    }

    /// Ends early when the client goes.
    package func pause(for duration: Duration) async -> Bool {
        guard wantsMore else { return false }
        return await session.stream.worker.perform { [session] in await session.pause(for: duration) }
    }
}
