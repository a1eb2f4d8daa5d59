import Glibc
import WstanBase
import WstanCore

/// Where a server keeps what it has seen, so that a restart forgets nothing: the journal in the runtime directory, and the
/// marks for a reboot in the state directory.
enum ReplayStorage {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static let marksFileName = "replay-marks"
    /// The marks are moved on so often; it must be well below what is left of a step then.
    static let interval: Duration = .seconds(4)
    /// A process that has been told to end needs a moment; see `drain-timeout`.
    private static let patience: Duration = .seconds(3)

    /// Blocks.
    ///
    /// - Parameters:
    ///   - runtimeDirectory: nil: what was seen is forgotten with the process.
    ///   - stateDirectory: nil: what was seen before a reboot is not known.
    ///   - lifetime: of a request.
    /// - Throws: when another process keeps its own there: each would accept what the other has seen.
    static func open(
        runtimeDirectory: String?, stateDirectory: String?, lifetime: Duration, blocking: BlockingPool, log: EventLog
    ) throws(Failure) -> (replayGuard: ReplayGuard, told: StartNotes) {
        let now = Moment.now()
        var told = StartNotes()
        var opened: ReplayJournal.Opened?
        if let runtimeDirectory {
            do throws(ReplayJournal.Failure) {
                opened = try ReplayJournal.open(
                    in: runtimeDirectory, slots: ServerLimits.seenRequests, now: now.wall, patience: patience)
            } catch {
                switch error {
                case .inUse(let path): throw Failure(description: inUse(path))
                case .unusable(let text): told.warnings.append(unusable(text, in: runtimeDirectory))
                }
            }
        }
        told.news += [opened?.warning].compactMap { $0 }
        guard let stateDirectory else {
            opened?.journal.note(gap: 0)
            return (
                ReplayGuard(opened: opened, lifetime: lifetime.inSeconds, now: now, tell: { log.journalTroubled($0) }),
                told
            )
        }
        let path = stateDirectory + "/" + marksFileName
        let marks = ReplayWatermarks(
            found: readMarks(path, &told), gap: opened?.gap ?? .infinity,
            lifetime: max(lifetime.inSeconds, opened?.longest ?? 0), now: now.wall)
        opened?.journal.note(gap: marks.gap)
        let refusal = marks.refusal(at: now.wall)
        if refusal > 0 { told.news.append(refuses(for: refusal)) }
        let keeper = ReplayWatermarkWriter(marks, store: store(path, blocking, log))
        return (
            ReplayGuard(
                opened: opened, marks: keeper, lifetime: lifetime.inSeconds, now: now, tell: { log.journalTroubled($0) }),
            told
        )
    }

    private static func store(_ path: String, _ blocking: BlockingPool, _ log: EventLog) -> ReplayWatermarkWriter.Store
    {
        ReplayWatermarkWriter.Store(
            write: { (table) throws(SystemError) in
                try AtomicFile.replace(path, with: ReplayWatermarkCodec.encode(table))
            },
            submit: { blocking.submit(for: "replay marks", $0) },
            failed: { log.watermarksNotWritten(path, $0, now: .now()) })
    }

    /// - Returns: none for a first start; nil when there is a file that cannot be read.
    private static func readMarks(_ path: String, _ told: inout StartNotes) -> ReplayWatermarks.Table? {
        do throws(FileReader.Failure) {
            let bytes = try FileReader.read(path, limit: ReplayWatermarkCodec.fileSize)
            if let marks = ReplayWatermarkCodec.decode(bytes) { return marks }
            told.news.append("\(path) is damaged, and is written anew")
            return nil
        } catch {
            if error.code == ENOENT { return [:] }
            told.warnings.append("cannot read \(path): \(error.text)")
            return nil
        }
    }

    // MARK: Words

    private static func inUse(_ path: String) -> String {
        "another wstand has \(path), and would accept what this one has seen: end it, or give this one a runtime "
            + "directory of its own ($RUNTIME_DIRECTORY)"
    }

    private static func unusable(_ text: String, in directory: String) -> String {
        let size = ReplayJournalFormat.fileSize(slots: ServerLimits.seenRequests) / (1 << 20)
        return "seen requests are forgotten with a restart, after which they can be sent once more: \(text); "
            + "\(directory) must be writable and have \(size) MB left"
    }

    private static func refuses(for seconds: Double) -> String {
        "what was seen before is not known, as after a reboot: requests that may have been seen are refused for "
            + "\(Int(seconds.rounded(.up))) s at most"
    }

    /// Of a variable that systemd sets, which may name several.
    static func firstPath(in variable: String?) -> String? {
        variable?.split(separator: ":", maxSplits: 1).first.map(String.init)
    }
}
