/// What carries a connection to a target for an exchange of plain HTTP: a tunnel, or a socket of the client's own.
/// Confined to its worker.
protocol TargetCarrier: AnyObject {
    /// Whether the connection is up.
    func carries(_ connection: Connection) -> Bool
    /// Sends data that is at hand.
    func send(_ bytes: some Collection<UInt8>, for connection: Connection)
    /// Sends a piece, at least one byte, that is in the worker's scratch.
    func forward(_ piece: UnsafeMutableRawBufferPointer, for connection: Connection)
    /// Waits until more is taken, or nobody wants that any more.
    ///
    /// - Returns: false when the near end is gone.
    func waitForRoom(_ connection: Connection, from end: Stream, while isWanted: () -> Bool) async -> Bool
    /// Ends a `waitForRoom` that is under way, if what it waits for is not wanted any more.
    func interruptWaitForRoom()
    /// The near end is done with the connection.
    func end(_ connection: Connection, _ reset: Reset)
}

extension Tunnel: TargetCarrier {
    func interruptWaitForRoom() { stream.interruptDrain() }
}
