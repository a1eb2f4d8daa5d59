import WstanBase

/// A connection to a target that does not take the tunnel, as plain HTTP uses it: what the target sends goes to the
/// connection's filter, as what comes out of a tunnel does. Confined to its worker.
final class DirectCarrier: TargetCarrier, @unchecked Sendable {
    private let target: Stream
    private let connection: Connection
    private var isUp = true
    private var isReleased = false
    private let stopped: Wait<Void>

    private var worker: Worker { target.worker }

    init(_ target: Stream, carrying connection: Connection) {
        self.target = target
        self.connection = connection
        stopped = Wait<Void>(worker: target.worker)
    }

    func carries(_ connection: Connection) -> Bool {
        isUp && connection === self.connection
    }

    // MARK: To the target

    func send(_ bytes: some Collection<UInt8>, for connection: Connection) {
        guard carries(connection) else { return }
        target.write(Array(bytes))
    }

    func forward(_ piece: UnsafeMutableRawBufferPointer, for connection: Connection) {
        guard carries(connection) else { return }
        target.write(UnsafeRawBufferPointer(piece))
    }

    func waitForRoom(_ connection: Connection, from end: any ByteEnd, while isWanted: () -> Bool) async -> Bool {
        guard target.pendingCount > 0 else { return true }
        let isSent = await Backpressure.waitUntilSent(into: target, from: end) { carries(connection) && isWanted() }
        return isSent || !carries(connection) || !isWanted()
    }

    func interruptWaitForRoom() { target.interruptDrain() }

    // MARK: From the target

    /// Reads the target until it ends, or `release` hands it over.
    func run() async {
        worker.budget.addTunnel()
        await moveToNearEnd()
        worker.budget.removeTunnel()
        stopped.fulfill(())
    }

    private func moveToNearEnd() async {
        var input = ReadLoop(target)
        while true {
            switch await input.next(while: { isUp && !isReleased }) {
            case .bytes(let bytes): connection.deliver(UnsafeRawBufferPointer(bytes))
            case .end: return finish(.normal)
            case .failed: return finish(.targetBroken)
            case .closed, .timedOut, .unwanted: return
            }
            guard let end = connection.end, end.pendingCount > 0 else { continue }
            let isSent = await Backpressure.waitUntilSent(into: end, from: target) { isUp && !isReleased }
            if !isSent, isUp, !isReleased { return finish(.targetBroken) }
            input.rested()
        }
    }

    // MARK: Ends

    private func finish(_ reset: Reset) {
        guard isUp else { return }
        close(reset)
        connection.finish(.reset(reset))
    }

    func end(_ connection: Connection, _ reset: Reset) {
        guard carries(connection) else { return }
        close(reset)
        connection.abandon()
    }

    private func close(_ reset: Reset) {
        isUp = false
        if reset.isBrokenConnection { target.resetAfterDelivery() } else { target.closeOrderly(awaitingPeer: false) }
        target.interruptDrain()
    }

    /// Hands the target's stream over to another reader from here on; what has come of it has been delivered.
    ///
    /// - Returns: nil when the connection has ended.
    func release() async -> Stream? {
        isReleased = true
        target.interruptReader()
        connection.end?.interruptDrain()
        await stopped.value(onTimeout: (), onCancel: ())
        return isUp ? target : nil
    }
}

extension TargetConnector {
    /// From here, without the tunnel.
    ///
    /// - Parameter opening: what the target gets first.
    func connectDirect(
        _ target: Address, _ opening: [UInt8], for connection: Connection, userAgent: Stream
    ) async throws(DirectFailure) -> TargetConnection {
        do throws(DirectFailure) {
            let stream = try await direct.connect(to: target, for: userAgent)
            let carrier = DirectCarrier(stream, carrying: connection)
            carrier.send(opening, for: connection)
            worker.spawn { await carrier.run() }
            log.directConnected(target)
            return TargetConnection(target: target, carrier: carrier, connection: connection, origin: .fresh)
        } catch {
            log.directFailed(error, target: target)
            throw error
        }
    }
}
