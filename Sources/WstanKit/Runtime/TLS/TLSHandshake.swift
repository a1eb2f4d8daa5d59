import CLinux
import Glibc
import WstanBase

extension Stream {
    /// Shakes hands; from then on all that is written and read goes through TLS. When it fails, the caller closes the
    /// stream, in good order, so that the peer gets the alert that says why.
    ///
    /// - Parameters:
    ///   - received: what was read already, and is TLS.
    ///   - place: of a connection that strangers may have made. Nothing is spent on one before it has sent something, and
    ///     what it costs is done in its turn.
    package func startTLS(
        _ side: TLSSession.Side, received: [UInt8] = [], deadline: Instant, at place: HandshakePlace? = nil
    ) async throws(TLSFailure) {
        guard !isClosed else { throw .closed }
        if let place {
            if received.isEmpty { try await waitForFirstBytes(deadline, place) }
            heldHead = received.count
            guard await hasTurn(deadline, place) else { throw turnless }
        }
        let (session, progress) = try beginTLS(side, received, isInTurn: place != nil)
        heldHead = TLSLimits.held
        defer { heldHead = 0 }
        let failure = await withTaskCancellationHandler {
            // The cancellation may have come before there was anything to close.
            if Task.isCancelled { close() }
            return await shakeHands(session, progress, deadline, place)
        } onCancel: {
            worker.execute { self.close() }
        }
        if let failure { throw failure }
    }

    /// Nothing is spent on a peer that has gone: a signature costs more than all else here together.
    private func beginTLS(
        _ side: TLSSession.Side, _ received: [UInt8], isInTurn: Bool
    ) throws(TLSFailure) -> (TLSSession, TLSSession.Progress) {
        defer { if isInTurn { worker.strangers.end() } }
        guard !isClosed, !isInTurn || !peerHasLeft else { throw .closed }
        let session = try TLSSession(self, side, received: received)
        attach(session)
        return (session, session.shakeHands())
    }

    private func waitForFirstBytes(_ deadline: Instant, _ place: HandshakePlace) async throws(TLSFailure) {
        place.wait(for: .firstBytes)
        defer { place.goOn() }
        switch await waitReadable(deadline: deadline) {
        case .ready, .interrupted: break
        case .timedOut: throw .timedOut
        case .closed: throw .closed
        }
    }

    /// - Returns: nil when it has succeeded.
    private func shakeHands(
        _ session: TLSSession, _ first: TLSSession.Progress, _ deadline: Instant, _ place: HandshakePlace?
    ) async -> TLSFailure? {
        var progress = first
        while !isClosed {
            switch progress {
            case .done: return nil
            case .failed(let failure): return failure
            case .needsInput: break
            }
            place?.wait(for: .moreBytes)
            let wake = await waitReadable(deadline: deadline)
            place?.goOn()
            switch wake {
            case .ready, .interrupted: break
            case .timedOut: return .timedOut
            case .closed: return .closed
            }
            progress = await step(session, deadline, place)
        }
        return .closed
    }

    private func step(
        _ session: TLSSession, _ deadline: Instant, _ place: HandshakePlace?
    ) async -> TLSSession.Progress {
        guard let place else { return session.shakeHands() }
        guard await hasTurn(deadline, place) else { return .failed(turnless) }
        defer { worker.strangers.end() }
        return isClosed ? .failed(.closed) : session.shakeHands()
    }

    private func hasTurn(_ deadline: Instant, _ place: HandshakePlace) async -> Bool {
        await worker.strangers.begin(for: place.source, until: deadline, unlessGone: self)
    }

    /// Why it has none.
    private var turnless: TLSFailure { isGone ? .closed : .timedOut }

    /// Whether the peer has closed its socket, or ended its sending, asked of the kernel: its event may come later.
    private var peerHasLeft: Bool {
        if peerHasFinished { return true }
        var look = pollfd(fd: descriptor, events: Int16(EPOLLRDHUP.rawValue), revents: 0)
        return poll(&look, 1, 0) > 0
    }
}
