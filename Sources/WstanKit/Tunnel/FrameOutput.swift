/// What a tunnel sends as frames of its WebSocket, whatever its version: masked where the role demands it. Confined to
/// its worker.
struct FrameOutput {
    let stream: Stream
    let role: WebSocketRole

    private var worker: Worker { stream.worker }

    func send(_ opcode: Opcode, _ payload: [UInt8]) {
        stream.write(frame(opcode, payload))
    }

    /// For one that is sent together with others.
    func frame(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
        FrameHead.frame(opcode, payload, mask: newMask())
    }

    func sendClose(_ code: UInt16) {
        stream.write(FrameHead.close(code: code, mask: newMask()))
    }

    /// Masks a sealed message where it lies, and puts the head of its frame into the room before it.
    ///
    /// - Returns: the frame.
    func frame(_ message: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let payload = message.baseAddress else { return UnsafeRawBufferPointer(message) }
        let mask = newMask()
        mask?.apply(to: message)
        let head = FrameHead(opcode: .binary, payloadCount: message.count, mask: mask)
        head.write(before: payload)
        return UnsafeRawBufferPointer(start: payload - head.size, count: head.size + message.count)
    }

    /// Of a frame with so many bytes of payload.
    func headSize(ofPayload count: Int) -> Int {
        FrameHead(opcode: .binary, payloadCount: count, mask: role == .client ? MaskingKey(0) : nil).size
    }

    private func newMask() -> MaskingKey? {
        role == .client ? MaskingKey(worker.randomness.next()) : nil
    }
}
