/// The sending half of a version 1 tunnel: seals messages and sends each as a frame. Confined to its worker.
struct OutputV1 {
    let frames: FrameOutput
    let sealer: Sealer

    private var worker: Worker { frames.stream.worker }

    /// Seals, masks and sends data that are in the worker's scratch: what the message and its frame put around them has
    /// its room there, so there is one buffer and no copy.
    func send(data: UnsafeMutableRawBufferPointer) {
        // From here on pointers leave the bytes that they were given for.
        assert(worker.scratch.surrounds(data), "only in the scratch is there room around data")
        guard let start = data.baseAddress else { return }
        frames.stream.write(frames.frame(sealer.seal(data: start, count: data.count)))
    }

    func sendEmptyData() {
        send(data: worker.scratch.body(0))
    }

    func send(_ request: Request) {
        frames.send(.binary, sealer.seal(request: request))
    }

    func send(_ request: AssociationRequest) {
        frames.send(.binary, sealer.seal(association: request))
    }

    func send(_ datagram: Datagram) {
        frames.send(.binary, sealer.seal(datagram: datagram))
    }

    func send(_ reset: Reset) {
        frames.send(.binary, sealer.seal(reset: reset, random: worker.randomness.next()))
    }
}
