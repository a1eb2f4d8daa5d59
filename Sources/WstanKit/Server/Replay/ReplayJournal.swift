import Synchronization
import WstanBase

/// Seen requests in a file that outlives the process, however that ends: below /run, since it need not outlive the machine.
/// Confined to the guard's lock.
package final class ReplayJournal: @unchecked Sendable {
    /// A journal that is ready, and what was in it.
    package struct Opened: Sendable {
        package let journal: ReplayJournal
        var records: [ReplayRecord] = []
        /// Until when requests may have been made that were accepted and are not in it; 0: none; infinite: nobody knows.
        package var gap = Double.infinity
        /// For how many seconds requests were remembered; nil: nobody knows.
        var lifetime: Double?
        /// What an administrator should know.
        package var warning: String?
    }

    package enum Failure: Error, Equatable {
        case inUse(path: String)
        /// In words, without a remedy.
        case unusable(String)
    }

    static let fileName = "seen-requests"
    private static let piece = 2048 * ReplayJournalFormat.slotSize

    private let file: MappedFile

    private init(_ file: MappedFile) {
        self.file = file
    }

    /// Blocks, and reads all of it; the room for every slot is taken at once, so that nothing can be short of it later.
    ///
    /// - Parameter patience: how long a process that has it and is about to end is waited for.
    package static func open(
        in directory: String, slots: Int, now: Double, patience: Duration = .zero
    ) throws(Failure) -> Opened {
        let path = directory + "/" + fileName
        do throws(MappedFile.Failure) {
            let file = try MappedFile(path, patience: patience)
            do throws(SystemError) {
                return try open(file, path, slots, now)
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

    private static func open(
        _ file: MappedFile, _ path: String, _ slots: Int, _ now: Double
    ) throws(SystemError) -> Opened {
        var opened = Opened(journal: ReplayJournal(file))
        let size = ReplayJournalFormat.fileSize(slots: slots)
        switch ReplayJournalFormat.readHead(try file.read(at: 0, count: ReplayJournalFormat.headSize), slots: slots) {
        case .good(let gap, let lifetime):
            opened.lifetime = lifetime
            let reading = try read(file, slots, now)
            opened.records = reading.records
            if file.size == size, reading.torn == 0 {
                opened.gap = gap
            } else {
                opened.warning = "\(path) is damaged; of the requests seen before, \(reading.records.count) are known"
            }
            if reading.inFarFuture > 0 {
                opened.warning =
                    "\(path): \(reading.inFarFuture) requests are from a time to come, and are forgotten: was the clock set "
                    + "back?"
            }
            try file.reserve(size)
        case .unfinished:
            try begin(file, slots)
        case .ofOtherVersion(let version):
            opened.warning = "\(path) is of another version (\(version)), and is begun anew"
            try begin(file, slots)
        case .ofOtherSize(let count):
            opened.warning = "\(path) is of another version (\(count) slots), and is begun anew"
            try begin(file, slots)
        case .foreign:
            opened.warning = "\(path) is damaged, and is begun anew"
            try begin(file, slots)
        }
        try file.map()
        return opened
    }

    private static func begin(_ file: MappedFile, _ slots: Int) throws(SystemError) {
        try file.truncate(to: 0)
        try file.reserve(ReplayJournalFormat.fileSize(slots: slots))
        try file.write(ReplayJournalFormat.head(slots: slots), at: 0)
    }

    /// By reading, not through the mapping, whose pages would all be resident from then on.
    private static func read(
        _ file: MappedFile, _ slots: Int, _ now: Double
    ) throws(SystemError) -> ReplayJournalReading {
        var reading = ReplayJournalReading(now: now)
        for first in stride(from: 0, to: slots, by: piece / ReplayJournalFormat.slotSize) {
            let bytes = try file.read(at: ReplayJournalFormat.offset(ofSlot: first), count: piece)
            bytes.withUnsafeBytes { reading.read($0, from: first, count: slots) }
            if bytes.count < piece { break }
        }
        return reading
    }

    /// What the next process has to know of what this one does not.
    ///
    /// - Parameter gap: as in `Opened`.
    package func note(gap: Double) {
        file.store(ReplayJournalFormat.word(ofGap: gap), at: ReplayJournalFormat.gapOffset)
    }

    /// For how many seconds requests are remembered.
    func note(lifetime: Double) {
        file.store(ReplayJournalFormat.word(ofLifetime: lifetime), at: ReplayJournalFormat.lifetimeOffset)
    }

    /// It is in the file when this returns.
    ///
    /// - Parameter record: its slot is one that nothing needs any more.
    func write(_ record: ReplayRecord) {
        ReplayJournalFormat.write(record) { word, offset in
            file.store(word, at: offset)
            // A kill leaves what the processor has done so far, in its order; only the compiler could change that.
            atomicMemoryFence(ordering: .releasing)
        }
    }
}
