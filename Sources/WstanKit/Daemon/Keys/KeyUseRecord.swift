import Glibc
import WstanBase
import WstanCore

/// How often each key was used, across restarts: what former processes have stored, and what the services have counted since
/// the start. It is stored now and then and at the end, so a crash loses what came since. Confined to its worker; what blocks
/// is done elsewhere.
final class KeyUseRecord: @unchecked Sendable {
    static let fileName = "key-uses"
    private static let interval: Duration = .seconds(300)

    /// What counts. To be set before it is asked.
    var users = Services()
    /// What the start has to say; nil: nothing.
    private(set) var warning: String?

    /// Nil: nothing outlives the process.
    private let path: String?
    private let worker: Worker
    private let blocking: BlockingPool
    private var earlier: [KeyID: KeyUse] = [:]
    private var stored: [KeyID: KeyUse] = [:]

    /// At the start only: it blocks. A file that cannot be read costs the numbers, and nothing else.
    init(stateDirectory: String?, worker: Worker, blocking: BlockingPool) {
        self.worker = worker
        self.blocking = blocking
        path = stateDirectory.map { $0 + "/" + Self.fileName }
        guard let path else { return }
        do throws(FileReader.Failure) {
            guard let found = KeyUseCodec.decode(try FileReader.read(path, limit: KeyUseCodec.fileSize)) else {
                warning = "\(path) is damaged: the uses of keys are counted anew"
                return
            }
            earlier = found
            stored = found
        } catch {
            if error.code != ENOENT { warning = "cannot read \(path): \(error.text)" }
        }
    }

    /// On the worker: stores every few minutes.
    ///
    /// - Parameter accepted: the keys that there are at that time, the server's own among them; the others are forgotten.
    func start(_ accepted: @escaping @Sendable () -> Set<KeyID>) {
        guard path != nil else { return }
        _ = worker.schedule(after: Self.interval) { [weak self] in
            guard let self else { return }
            worker.spawn { [self] in
                await store(accepted())
                start(accepted)
            }
        }
    }

    func uses() async -> [KeyID: KeyUse] { earlier.merging(await users.keyUses()) { $0 + $1 } }

    /// Writes what has changed. That it could not be written is no matter for a log: it is tried again, and a state directory
    /// that cannot be written is told of at the start.
    func store(_ accepted: Set<KeyID>) async {
        guard let path else { return }
        let uses = await uses().filter { accepted.contains($0.key) }.mapValues { use in
            KeyUse(count: use.count, last: use.last, servers: use.servers.filter { accepted.contains($0.key) })
        }
        guard uses != stored else { return }
        let isWritten = await blocking.run(for: "key uses", from: worker) { () -> Bool in
            do throws(SystemError) {
                try AtomicFile.replace(path, with: KeyUseCodec.encode(uses))
                return true
            } catch {
                return false
            }
        }
        if isWritten == true { stored = uses }
    }
}
