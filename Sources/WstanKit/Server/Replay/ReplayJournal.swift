import WstanBase

/// Seen requests in a file that outlives the process, however that ends: below /run, since it need not outlive the machine.
/// Confined to the guard's lock.
package final class ReplayJournal: @unchecked Sendable {
    /// A journal that is ready, and what was in it.
    package struct Opened: Sendable {
        package let journal: ReplayJournal
        var records: [ReplayRecord] = []
        var forgotten = ForgottenSpans()
        /// Until when requests may have been made that were accepted and are not in it; 0: none; infinite: not known.
        package var gap = Double.infinity
        /// For how many seconds requests were remembered; nil: not known.
        var lifetime: Double?
        /// The longest of those whose time may be still to come; nil: not known.
        package var longest: Double?
        /// What an administrator should know.
        package var warning: String?
    }

    package enum Failure: Error, Equatable {
        case inUse(path: String)
        /// In words, without a remedy.
        case unusable(String)
    }

    /// What befell the file while we had it.
    package enum Trouble: Equatable, Sendable {
        /// Another process has truncated or removed it; it is whole again.
        case madeAnew(path: String)
        /// Another process has written into it.
        case overwritten(path: String)
        /// It cannot be written.
        case failed(path: String, SystemError)
        /// It can be again.
        case recovered(path: String)
    }

    static let fileName = "seen-requests"
    private static let pagesOfPiece = 16

    private let path: String
    private let slots: Int
    private var file: ExclusiveFile
    private var head = ReplayJournalFormat.Head()
    /// Of the last writing.
    private var failure: SystemError?
    private var isFailureTold = false

    private init(_ file: ExclusiveFile, _ path: String, slots: Int) {
        self.file = file
        self.path = path
        self.slots = slots
    }

    // MARK: Opening

    /// Blocks, and reads all of it; the room for every slot is taken at once, so that nothing can be short of it later.
    ///
    /// - Parameter patience: how long a process that has it and is about to end is waited for.
    package static func open(
        in directory: String, slots: Int, now: Double, patience: Duration = .zero
    ) throws(Failure) -> Opened {
        let path = directory + "/" + fileName
        do throws(ExclusiveFile.Failure) {
            let file = try ExclusiveFile(path, patience: patience)
            do throws(SystemError) {
                return try ReplayJournal(file, path, slots: slots).open(now)
            } catch {
                throw .system(error)
            }
        } catch {
            switch error {
            case .inUse: throw .inUse(path: path)
            case .notAFile: throw .unusable("\(path) is not a file")
            case .system(let error): throw .unusable("\(path): \(error)")
            }
        }
    }

    private func open(_ now: Double) throws(SystemError) -> Opened {
        var opened = Opened(journal: self)
        let bytes = try file.read(at: 0, count: ReplayJournalFormat.headSize)
        switch ReplayJournalFormat.readHead(bytes, slots: slots) {
        case .good(let found):
            try take(found, ReplayJournalReading(now: now), &opened)
        case .former(let found):
            let lifetime = found.lifetime ?? ReplayJournalFormatV1.usualLifetime
            try take(found, ReplayJournalReading(now: now, formerLifetime: lifetime), &opened)
        case .unfinished:
            try begin()
        case .ofOtherVersion(let version):
            opened.warning = "\(path) is of another version (\(version)), and is begun anew"
            try begin()
        case .ofOtherSize(let count):
            opened.warning = "\(path) is of another version (\(count) slots), and is begun anew"
            try begin()
        case .foreign:
            opened.warning = "\(path) is damaged, and is begun anew"
            try begin()
        }
        return opened
    }

    /// - Parameter empty: what the slots are read into.
    private func take(
        _ found: ReplayJournalFormat.Head, _ empty: ReplayJournalReading, _ opened: inout Opened
    ) throws(SystemError) {
        let (reading, isWhole) = try read(empty)
        head = found
        head.forgotten.insert(reading.expired)
        opened.records = reading.records
        (opened.lifetime, opened.longest) = (found.lifetime, found.longest)
        opened.forgotten = head.forgotten
        if isWhole {
            opened.gap = found.gap
        } else {
            head.gap = .infinity
            opened.warning = "\(path) is damaged; of the requests seen before, \(reading.records.count) are known"
        }
        if reading.inFarFuture > 0 {
            opened.warning =
                "\(path): \(reading.inFarFuture) requests are from a time to come: was the clock set back? They stay refused."
        }
        if reading.isFormer || !isWhole { try rewrite(reading.records) }
    }

    private func begin() throws(SystemError) {
        try file.truncate(to: 0)
        try file.reserve(ReplayJournalFormat.fileSize(slots: slots))
        try file.write(ReplayJournalFormat.encode(head, slots: slots), at: 0)
    }

    /// - Returns: also whether everything is there.
    private func read(_ empty: ReplayJournalReading) throws(SystemError) -> (ReplayJournalReading, isWhole: Bool) {
        var reading = empty
        let isFormer = reading.isFormer
        let piece = ReplayJournalFormat.slotsOfPage * Self.pagesOfPiece
        for first in stride(from: 0, to: slots, by: piece) {
            let count = min(piece, slots - first)
            let from = isFormer ? ReplayJournalFormatV1.offset(ofSlot: first) : ReplayJournalFormat.offset(ofSlot: first)
            let size = isFormer ? count * ReplayJournalFormatV1.slotSize : Self.pagesOfPiece * ReplayJournalFormat.pageSize
            let bytes = try file.read(at: from, count: size)
            bytes.withUnsafeBytes { reading.read($0, from: first, count: count) }
            if bytes.count < size { break }
        }
        let size =
            isFormer ? ReplayJournalFormatV1.fileSize(slots: slots) : ReplayJournalFormat.fileSize(slots: slots)
        return (reading, file.size == size && reading.torn == 0)
    }

    // MARK: Writing

    /// What the next process has to know of what this one does not.
    ///
    /// - Parameter gap: as in `Opened`.
    package func note(gap: Double) {
        change { $0.gap = gap }
    }

    /// For how many seconds requests are remembered.
    func note(lifetime: Double, longest: Double) {
        change { ($0.lifetime, $0.longest) = (lifetime, longest) }
    }

    /// Before a slot is used again that held one of these.
    func note(_ forgotten: ForgottenSpans) {
        change { $0.forgotten = forgotten }
    }

    private func change(_ body: (inout ReplayJournalFormat.Head) -> Void) {
        var next = head
        body(&next)
        guard next != head else { return }
        head = next
        attempt { (file) throws(SystemError) in
            try file.write(ReplayJournalFormat.encode(next, slots: slots), at: 0)
        }
    }

    /// It is in the file when this returns, unless that has failed: `look` tells.
    ///
    /// - Parameter record: its slot is one that nothing needs any more.
    func write(_ record: ReplayRecord) {
        let words = ReplayJournalFormat.encode(record)
        let offset = ReplayJournalFormat.offset(ofSlot: record.slot)
        attempt { (file) throws(SystemError) in
            try withUnsafeBytes(of: words) { (bytes) throws(SystemError) in try file.write(bytes, at: offset) }
        }
    }

    private func attempt(_ writing: (ExclusiveFile) throws(SystemError) -> Void) {
        do throws(SystemError) { try writing(file) } catch { failure = error }
    }

    // MARK: Looking after it

    /// To be called every few seconds: whether another process has truncated, moved or removed the file or written over its head, or
    /// a writing has failed. It is then written anew, and this is told once; not of a failure that this has mended at once. Slots are
    /// not read again: who may write the file can change them unseen.
    ///
    /// - Parameter records: everything that is known.
    func look(_ records: () -> [ReplayRecord]) -> Trouble? {
        let change = file.change()
        let isOverwritten = change == .extended || change == nil && failure == nil && isHeadOverwritten
        guard change != nil || isOverwritten || failure != nil else { return nil }
        let isFirst = !isFailureTold
        do throws(SystemError) {
            if change == .removed { try replace() }
            try rewrite(records())
            let hadFailed = isFailureTold
            (failure, isFailureTold) = (nil, false)
            if hadFailed { return .recovered(path: path) }
            if isOverwritten { return .overwritten(path: path) }
            // A writing that has failed once, and of which nothing was told, is no other process's doing.
            return change == nil ? nil : .madeAnew(path: path)
        } catch {
            (failure, isFailureTold) = (error, true)
            return isFirst ? .failed(path: path, error) : nil
        }
    }

    /// Without its head nothing of it counts.
    private var isHeadOverwritten: Bool {
        let expected = ReplayJournalFormat.encode(head, slots: slots)
        return (try? file.read(at: 0, count: expected.count)).map { $0 != expected } ?? false
    }

    private func replace() throws(SystemError) {
        do throws(ExclusiveFile.Failure) {
            file = try ExclusiveFile(path, patience: .zero)
        } catch {
            throw error.systemError
        }
    }

    /// The head last: a process that is killed before leaves a journal that says of itself that it is damaged.
    private func rewrite(_ records: [ReplayRecord]) throws(SystemError) {
        let size = ReplayJournalFormat.fileSize(slots: slots)
        try file.reserve(size)
        var bytes = [UInt8](repeating: 0, count: size)
        bytes.withUnsafeMutableBytes { bytes in
            for record in records {
                withUnsafeBytes(of: ReplayJournalFormat.encode(record)) { words in
                    let offset = ReplayJournalFormat.offset(ofSlot: record.slot)
                    UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<(offset + words.count)]).copyMemory(from: words)
                }
            }
        }
        try file.write(Array(bytes[ReplayJournalFormat.pageSize...]), at: ReplayJournalFormat.pageSize)
        let head = ReplayJournalFormat.encode(head, slots: slots)
        try file.write(head + [UInt8](repeating: 0, count: ReplayJournalFormat.pageSize - head.count), at: 0)
    }
}
