import WstanBase

extension Stream {
    /// Shakes hands; from then on all that is written and read goes through TLS. When it fails, whoever asked closes the
    /// stream, in good order, so that the peer gets the alert that says why.
    ///
    /// - Parameter received: what was read already, and is TLS.
    package func startTLS(
        _ side: TLSSession.Side, received: [UInt8] = [], deadline: Instant
    ) async throws(TLSFailure) {
        guard !isClosed else { throw .closed }
        let session = try TLSSession(self, side, received: received)
        attach(session)
        heldHead = TLSLimits.held
        defer { heldHead = 0 }
        let failure = await withTaskCancellationHandler {
            // The cancellation may have come before there was anything to close.
            if Task.isCancelled { close() }
            return await shakeHands(session, deadline)
        } onCancel: {
            worker.execute { self.close() }
        }
        if let failure { throw failure }
    }

    /// - Returns: nil when it has succeeded.
    private func shakeHands(_ session: TLSSession, _ deadline: Instant) async -> TLSFailure? {
        while !isClosed {
            switch session.shakeHands() {
            case .done: return nil
            case .failed(let failure): return failure
            case .needsInput: break
            }
            switch await waitReadable(deadline: deadline) {
            case .ready, .interrupted: continue
            case .timedOut: return .timedOut
            case .closed: return .closed
            }
        }
        return .closed
    }
}
