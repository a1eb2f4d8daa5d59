/// The sending half of a tunnel: seals messages, frames them, masks them where the role demands it. Confined to its
/// worker.
struct TunnelOutput {
    let stream: Stream
    let role: WebSocketRole
    let sealer: Sealer

    private var worker: Worker { stream.worker }

    /// Seals, masks and sends a DAT message whose data is in the worker's scratch.
    func send(data: UnsafeMutableRawBufferPointer) {
        guard let start = data.baseAddress else { return }
        // The room before the body takes the command byte and the frame's head: one buffer, no copy.
        let message = UnsafeMutableRawBufferPointer(start: start - 1, count: data.count + 1)
        message[0] = Command.data.rawValue
        sealer.seal(data: message)
        let mask = newMask()
        mask?.apply(to: message)
        let head = FrameHead(opcode: .binary, payloadCount: message.count, mask: mask)
        head.write(before: start - 1)
        stream.write(UnsafeRawBufferPointer(start: start - 1 - head.size, count: head.size + message.count))
    }

    func sendEmptyData() {
        send(data: worker.scratch.body(0))
    }

    func send(_ request: Request) {
        send(.binary, sealer.seal(request: request))
    }

    func send(_ request: AssociationRequest) {
        send(.binary, sealer.seal(association: request))
    }

    func send(_ datagram: Datagram) {
        send(.binary, sealer.seal(datagram: datagram))
    }

    func send(_ reset: Reset) {
        // 40 to 499 blanks.
        var padding = 40 + Int(worker.randomness.next(UInt32.self) % 459)
        // The next message may be a request, and Python's servers do not remember where those could be sent once more.
        if sealer.isReplayable(after: reset.encodedSize(padding: padding)) { padding += 1 }
        send(.binary, sealer.seal(reset: reset, padding: padding))
    }

    func send(_ opcode: Opcode, _ payload: [UInt8]) {
        stream.write(FrameHead.frame(opcode, payload, mask: newMask()))
    }

    func sendClose(_ code: UInt16) {
        stream.write(FrameHead.close(code: code, mask: newMask()))
    }

    private func newMask() -> MaskingKey? {
        role == .client ? MaskingKey(worker.randomness.next()) : nil
    }
}
