/// The near end's bytes piece by piece, for one that looks at them and knows where to stop; `Tunnel.sendLoop` moves
/// them unseen to their end.
extension Tunnel {
    /// Whether the connection is up.
    func carries(_ connection: Connection) -> Bool {
        self.connection === connection
    }

    /// Sends a piece, at least one byte, that is in the worker's scratch.
    func forward(_ piece: UnsafeMutableRawBufferPointer, for connection: Connection) {
        guard carries(connection), !piece.isEmpty else { return }
        connection.sent(piece)
        version.send(data: piece)
    }

    /// Waits until the tunnel takes more, or nobody wants that any more.
    ///
    /// - Returns: false when the near end is gone.
    func waitForRoom(
        _ connection: Connection, from end: any ByteEnd, while isWanted: () -> Bool
    ) async -> Bool {
        if mustPause(connection) {
            version.askForAnswer()
            await connection.pause()
        }
        guard stream.pendingCount > 0 else { return true }
        let isSent = await Backpressure.waitUntilSent(into: stream, from: end) { carries(connection) && isWanted() }
        return isSent || !carries(connection) || !isWanted()
    }
}
