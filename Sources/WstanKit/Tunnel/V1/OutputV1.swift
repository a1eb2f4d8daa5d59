/// The sending half of a version 1 tunnel: seals messages and sends each as a frame. Confined to its worker.
final class OutputV1: Gathering {
    private let frames: FrameOutput
    private let sealer: Sealer
    /// Frames of datagrams, which go out in one write. They have had their part of the key stream, so nothing that is sealed
    /// later may overtake them.
    private var gathered: [UInt8] = []

    private var worker: Worker { frames.stream.worker }

    init(frames: FrameOutput, sealer: Sealer) {
        self.frames = frames
        self.sealer = sealer
    }

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

    /// Sent behind the datagrams that it ends.
    func send(_ reset: Reset) {
        sendGathered()
        frames.send(.binary, sealer.seal(reset: reset, random: worker.randomness.next()))
    }

    // MARK: Datagrams

    /// Sends a datagram in one write with others that the same event brings.
    func gather(_ datagram: Datagram) {
        let size = datagram.encodedSize
        if gathered.count + size > TunnelLimits.gatheredDatagrams { sendGathered() }
        if gathered.isEmpty {
            gathered = worker.takeSpare()
            gathered.removeAll(keepingCapacity: true)
            worker.sendLater(self)
        }
        gathered.append(contentsOf: repeatElement(0, count: frames.headSize(ofPayload: size)))
        datagram.encode(into: &gathered)
        gathered.withUnsafeMutableBytes { bytes in
            let message = UnsafeMutableRawBufferPointer(rebasing: bytes[(bytes.count - size)...])
            sealer.seal(datagram: message)
            _ = frames.frame(message)
        }
    }

    /// Bytes that are gathered.
    var gatheredCount: Int { gathered.count }

    func sendGathered() {
        guard !gathered.isEmpty else { return }
        let bytes = gathered
        gathered = []
        bytes.withUnsafeBytes { frames.stream.write($0) }
        worker.spare = bytes
    }
}
