import WstanBase

/// The sending half of a version 2 tunnel: seals messages, a record each, and sends each record as a frame
/// (protocol-v2.md sections 4.6, 9 and 11). It changes the keys when that is due. Confined to its worker.
final class RecordOutput: Gathering {
    private let frames: FrameOutput
    private var sealer: RecordSealer
    private var padding: RecordPadding
    private var sizes = RecordSizes()
    /// Datagrams that are at hand, for one record; nil without any.
    private var gathered: PieceGatherer?
    /// The last read has filled the first piece of its room.
    private var hasFilledPiece = false

    /// Records that one read makes at most.
    private static let recordsAtOnce = 8
    /// Before gathered datagrams, for what their record and its frame put there.
    private static let headroom = Sealer.headroom + FrameHead.maxSize

    private var worker: Worker { frames.stream.worker }

    /// - Parameters:
    ///   - limit: the longest plaintext that the peer takes.
    ///   - shape: of the first records, as the server's M2 says.
    init(_ frames: FrameOutput, epoch: Epoch, limit: Int, shape: TrafficShape?) {
        self.frames = frames
        sealer = RecordSealer(epoch, limit: limit, now: frames.stream.worker.now)
        padding = RecordPadding(shape)
    }

    /// The longest plaintext that the peer takes.
    var limit: Int { sealer.limit }

    // MARK: Messages

    func send(_ message: MessageV2) {
        sendGathered()
        rekeyIfDue()
        frames.stream.write(frame(message))
    }

    /// All of them in one write.
    func send(_ messages: [MessageV2]) {
        sendGathered()
        rekeyIfDue(before: messages.count)
        frames.stream.write(messages.flatMap { frame($0) })
    }

    private func frame(_ message: MessageV2) -> [UInt8] {
        // What is long is not padded once the shape is used up, so its size does not matter.
        let isShort = message.type != .dgram
        let size = isShort || padding.isShaping ? message.encoded().count : sealer.limit
        let padded = padding.next(message.type, size: size, limit: sealer.limit, random: worker.randomness.next())
        return frames.frame(.binary, sealer.seal(message, padding: padded))
    }

    /// The tunnel has just become idle: what follows is sealed anew if much was sent before.
    func rekeyWhenIdle() {
        if sealer.isRekeyDue(now: worker.now, isIdle: true) { rekey() }
    }

    /// - Parameter records: that are about to be sealed: none of them is to be the last of the epoch.
    private func rekeyIfDue(before records: Int = 1) {
        let isEnding = sealer.epoch.next + UInt64(records) >= LimitsV2.recordsInEpoch
        if isEnding || sealer.isRekeyDue(now: worker.now, isIdle: false) { rekey() }
    }

    private func rekey() {
        frames.send(.binary, sealer.rekey(now: worker.now))
    }

    // MARK: Datagrams

    /// Sends a datagram in one record with others that the same event brings.
    ///
    /// - Returns: false when it is longer than the peer takes.
    func gather(_ datagram: Datagram) -> Bool {
        let address = AddressV2(datagram.address)
        if gathered?.append(address, datagram.data) == true { return true }
        sendGathered()
        var pieces = PieceGatherer(limit: sealer.limit, headroom: Self.headroom, in: worker.takeSpare())
        guard pieces.append(address, datagram.data) else {
            worker.spare = pieces.finish()
            return false
        }
        gathered = pieces
        worker.sendLater(self)
        return true
    }

    /// Bytes that are gathered.
    var gatheredCount: Int { gathered?.bytes.count ?? 0 }

    func sendGathered() {
        guard var pieces = gathered else { return }
        gathered = nil
        rekeyIfDue()
        guard !padding.isShaping else {
            return pieces.body.withUnsafeBytes { body in
                if let datagrams = try? DatagramPieces.read(body) { send(.dgram(datagrams)) }
            }
        }
        var bytes = pieces.finish(tailroom: Sealer.tailroom)
        bytes.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            let count = bytes.count - Self.headroom - Sealer.tailroom
            frames.stream.write(frames.frame(sealer.seal(.dgram, body: start + Self.headroom, count: count)))
        }
        worker.spare = bytes
    }

    // MARK: Data

    /// Room for the data of the next records, with what their heads and tags take between them, so that all of them lie
    /// one behind the other when they are sealed.
    func room() -> ScatteredRoom {
        let most = padding.isShaping ? min(sizes.next(now: worker.now), 4096) : sizes.next(now: worker.now)
        let allowed = worker.budget.allowance(Scratch.bodySize)
        let size = min(most, sealer.mostData, allowed)
        // While messages are small, a read into one piece costs less.
        let records = padding.isShaping || !hasFilledPiece ? 1 : Self.recordsAtOnce
        return worker.scratch.room(piecesOf: size, gap: gap(ofDataOf: size), for: min(allowed, records * size))
    }

    private func gap(ofDataOf size: Int) -> Int {
        let tag = sealer.epoch.cipher.tagSize
        return tag + frames.headSize(ofPayload: 1 + size + tag) + 1
    }

    /// Sends what was read into such a room: a record for each piece, all of them in one write.
    func send(_ pieces: ScatteredBytes) {
        hasFilledPiece = pieces.byteCount >= pieces.room.size
        if padding.isShaping {
            for piece in pieces { send(.data(UnsafeRawBufferPointer(piece))) }
            return sizes.sent(pieces.byteCount, now: worker.now)
        }
        rekeyIfDue(before: pieces.pieceCount)
        var start: UnsafeRawPointer?
        var count = 0
        for piece in pieces {
            guard let frame = seal(piece), let first = frame.baseAddress else { continue }
            if let start {
                let end = UnsafeMutableRawPointer(mutating: start + count)
                // The head of the last one may be shorter: then it lies a little further behind.
                if first != UnsafeRawPointer(end) { end.copyMemory(from: first, byteCount: frame.count) }
            } else {
                start = first
            }
            count += frame.count
        }
        guard let start else { return }
        frames.stream.write(UnsafeRawBufferPointer(start: start, count: count))
        sizes.sent(pieces.byteCount, now: worker.now)
    }

    /// Sends data that lie in the worker's scratch as one piece: a write for each record.
    func send(data: UnsafeMutableRawBufferPointer) {
        var rest = data
        while !rest.isEmpty {
            let count = min(sizes.next(now: worker.now), sealer.mostData, rest.count)
            let piece = UnsafeMutableRawBufferPointer(rebasing: rest[..<count])
            rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...])
            guard !padding.isShaping else {
                send(.data(UnsafeRawBufferPointer(piece)))
                continue
            }
            rekeyIfDue()
            // The tag of a record takes the place of what follows it, until it is sent.
            let kept = KeptBytes(rest.prefix(LimitsV2.tag))
            if let frame = seal(piece) { frames.stream.write(frame) }
            kept.restore(to: rest)
        }
        sizes.sent(data.count, now: worker.now)
    }

    /// - Returns: the frame, which begins before the data and ends behind them.
    private func seal(_ data: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer? {
        assert(worker.scratch.surrounds(data), "only in the scratch is there room around data")
        return data.baseAddress.map { frames.frame(sealer.seal(data: $0, count: data.count)) }
    }
}

/// Up to 16 bytes, put aside.
private struct KeptBytes {
    private var words: (UInt64, UInt64) = (0, 0)
    private let count: Int

    init(_ bytes: Slice<UnsafeMutableRawBufferPointer>) {
        count = bytes.count
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
    }

    func restore(to bytes: UnsafeMutableRawBufferPointer) {
        withUnsafeBytes(of: words) { bytes.copyBytes(from: $0.prefix(count)) }
    }
}
