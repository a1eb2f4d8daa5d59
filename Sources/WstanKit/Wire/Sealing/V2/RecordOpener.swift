import WstanBase

/// Opens the records of one direction (protocol-v2.md section 4.6). Confined to its tunnel.
struct RecordOpener {
    let epoch: Epoch
    /// The longest plaintext that is taken, as the peer was told (RECORD).
    let limit: Int

    init(_ epoch: Epoch, limit: Int = LimitsV2.plaintext) {
        self.epoch = epoch
        self.limit = limit
    }

    /// The longest record.
    var mostBytes: Int { limit + epoch.cipher.tagSize }

    /// Opens a whole record where it lies; nothing of it is used before its tag has held.
    ///
    /// - Returns: the message, which refers to the record's memory.
    func open(_ record: UnsafeMutableRawBufferPointer) throws(Violation) -> MessageV2 {
        let count = record.count - epoch.cipher.tagSize
        guard (1...limit).contains(count) else { throw .recordLength }
        guard !epoch.isOver else { throw .epochTooLong }
        guard epoch.open(record) else { throw .notAuthentic }
        let message = try MessageV2.read(UnsafeRawBufferPointer(rebasing: record[..<count]))
        if case .rekey = message { epoch.begin() }
        return message
    }
}
