import WstanBase

/// Seals the messages of one direction: a record each (protocol-v2.md section 4.6). Confined to its tunnel.
struct RecordSealer {
    /// A sender changes its keys after an hour, and when a tunnel falls idle that has carried more than this.
    private enum Use {
        static let time: Duration = .seconds(3600)
        static let bytes: UInt64 = 1 << 20
    }

    let epoch: Epoch
    /// The longest plaintext that the peer takes.
    let limit: Int
    private var began: Instant
    private var bytes: UInt64 = 0

    init(_ epoch: Epoch, limit: Int = LimitsV2.plaintext, now: Instant) {
        self.epoch = epoch
        self.limit = limit
        began = now
    }

    /// Bytes that one DATA may carry.
    var mostData: Int { min(LimitsV2.data, limit - 1) }

    /// Nothing but a REKEY may be sealed now.
    var mustRekey: Bool { epoch.next >= LimitsV2.recordsInEpoch - 1 }

    /// Whether a REKEY is to be sent before the next record.
    ///
    /// - Parameter isIdle: whether the tunnel has just become idle.
    func isRekeyDue(now: Instant, isIdle: Bool) -> Bool {
        mustRekey || now - began >= Use.time || (isIdle && bytes > Use.bytes)
    }

    /// Ends the epoch.
    ///
    /// - Returns: the record that says so.
    mutating func rekey(now: Instant, padding: Int? = nil) -> [UInt8] {
        let record = seal(MessageV2.rekey.encoded(padding: padding))
        epoch.begin()
        began = now
        bytes = 0
        return record
    }

    mutating func seal(_ message: MessageV2, padding: Int? = nil) -> [UInt8] {
        precondition(!mustRekey && message.type != .rekey, "an epoch ends by `rekey`")
        return seal(message.encoded(padding: padding))
    }

    private mutating func seal(_ plaintext: consuming [UInt8]) -> [UInt8] {
        let count = plaintext.count
        plaintext.append(contentsOf: repeatElement(0, count: epoch.cipher.tagSize))
        plaintext.withUnsafeMutableBytes { seal($0, plaintextLength: count) }
        return plaintext
    }

    /// Seals bytes of a stream in place.
    ///
    /// - Parameters:
    ///   - start: of the bytes, with `Sealer.headroom` before them and, behind them, the padding and `Sealer.tailroom`.
    ///   - isLast: FIN instead of DATA.
    /// - Returns: the record, which begins before the bytes and ends behind them.
    mutating func seal(
        data start: UnsafeMutableRawPointer, count: Int, isLast: Bool = false, padding: Int? = nil
    ) -> UnsafeMutableRawBufferPointer {
        seal(isLast ? .fin : .data, body: start, count: count, padding: padding)
    }

    /// The same of a message of another type whose body is at hand.
    mutating func seal(
        _ type: MessageType, body start: UnsafeMutableRawPointer, count: Int, padding: Int? = nil
    ) -> UnsafeMutableRawBufferPointer {
        precondition(!mustRekey, "an epoch ends by `rekey`")
        let head = padding == nil ? 1 : 3
        let size = head + count + (padding ?? 0)
        let record = UnsafeMutableRawBufferPointer(start: start - head, count: size + epoch.cipher.tagSize)
        if let padding {
            record[0] = type.byte | MessageType.padded
            record.storeBytes(of: UInt16(padding).bigEndian, toByteOffset: 1, as: UInt16.self)
            UnsafeMutableRawBufferPointer(start: start + count, count: padding).initializeMemory(
                as: UInt8.self, repeating: 0)
        } else {
            record[0] = type.byte
        }
        seal(record, plaintextLength: size)
        return record
    }

    private mutating func seal(_ record: UnsafeMutableRawBufferPointer, plaintextLength: Int) {
        precondition((1...limit).contains(plaintextLength), "the peer takes no such record")
        epoch.seal(record, plaintextLength: plaintextLength)
        bytes &+= UInt64(plaintextLength)
    }
}
