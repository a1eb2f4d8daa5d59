/// The sending half of a tunnel: seals messages, frames them, masks them where the role demands it. Confined to its
/// worker.
struct TunnelOutput {
    let stream: Stream
    let role: WebSocketRole
    let sealer: Sealer

    private var worker: Worker { stream.worker }

    /// Seals, masks and sends data that are in the worker's scratch: what the message and its frame put around them has its
    /// room there, so there is one buffer and no copy.
    func send(data: UnsafeMutableRawBufferPointer) {
        // From here on pointers leave the bytes that they were given for.
        assert(worker.scratch.surrounds(data), "only in the scratch is there room around data")
        guard let start = data.baseAddress else { return }
        let message = sealer.seal(data: start, count: data.count)
        guard let payload = message.baseAddress else { return }
        let mask = newMask()
        mask?.apply(to: message)
        let head = FrameHead(opcode: .binary, payloadCount: message.count, mask: mask)
        head.write(before: payload)
        stream.write(UnsafeRawBufferPointer(start: payload - head.size, count: head.size + message.count))
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
        send(.binary, sealer.seal(reset: reset, random: worker.randomness.next()))
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
