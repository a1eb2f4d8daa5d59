import Glibc

/// Takes a server's certificate over when its files have changed. They are looked at every few seconds, which needs no
/// right to watch a directory and sees what links lead to. Confined to its worker, once it is started.
final class CertificateWatch: @unchecked Sendable {
    /// A file as it was found: another one, or one that was written anew or may be read by others, is not equal.
    struct FileMark: Equatable, Sendable {
        private let numbers: [Int]

        /// Follows links; a file that is not there has a mark as well.
        init(of path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else {
                numbers = []
                return
            }
            numbers = [
                Int(truncatingIfNeeded: status.st_dev), Int(truncatingIfNeeded: status.st_ino), Int(status.st_size),
                status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
            ]
        }
    }

    private let configuration: TLSServerContext.Configuration
    private let blocking: BlockingPool
    private let log: EventLog
    /// What connections are shown.
    private var context: TLSServerContext?
    /// The files as they were when they were read last, whether they were good or not.
    private var read: [FileMark] = []
    /// The files as they were a step ago.
    private var seen: [FileMark] = []

    /// Files are read when a step has found them as the step before did: whoever replaces two of them does not do it in
    /// one go.
    private static let step: Duration = .seconds(2)

    init(_ configuration: TLSServerContext.Configuration, blocking: BlockingPool, log: EventLog) {
        self.configuration = configuration
        self.blocking = blocking
        self.log = log
    }

    /// Reads the files for the first time. Blocks.
    func load() throws(TLSContext.Problem) -> TLSServerContext {
        // Before they are read: what changes meanwhile is read once more.
        read = Self.marks(of: configuration)
        seen = read
        let context = try TLSServerContext(configuration)
        self.context = context
        return context
    }

    /// - Parameter renewed: called on the worker with every new certificate.
    func start(on worker: Worker, renewed: @escaping (TLSServerContext) -> Void) {
        _ = worker.schedule(after: Self.step) { [self] in
            look(on: worker, renewed)
            start(on: worker, renewed: renewed)
        }
    }

    private func look(on worker: Worker, _ renewed: @escaping (TLSServerContext) -> Void) {
        let renewal = Renewal(watch: self, renewed: renewed)
        let (configuration, former, read, seen) = (configuration, context, read, seen)
        _ = blocking.submit(for: "certificate") {
            let marks = Self.marks(of: configuration)
            guard marks != read, marks == seen else {
                return worker.execute { renewal.watch.seen = marks }
            }
            let result = Result { () throws(TLSContext.Problem) in
                try TLSServerContext(configuration, succeeding: former)
            }
            worker.execute { renewal.watch.take(result, marks, renewal.renewed) }
        }
    }

    /// Crosses to the blocking thread and back, and is used on the worker only.
    private struct Renewal: @unchecked Sendable {
        let watch: CertificateWatch
        let renewed: (TLSServerContext) -> Void
    }

    private func take(
        _ result: Result<TLSServerContext, TLSContext.Problem>, _ marks: [FileMark],
        _ renewed: (TLSServerContext) -> Void
    ) {
        read = marks
        switch result {
        case .success(let context):
            self.context = context
            log.certificateRenewed(configuration.identity.certificate)
            if let warning = context.warning { log.warning(warning) }
            renewed(context)
        case .failure(let problem):
            log.certificateRefused(problem)
        }
    }

    private static func marks(of configuration: TLSServerContext.Configuration) -> [FileMark] {
        [configuration.identity.certificate, configuration.identity.key, configuration.clientCA].compactMap {
            $0.map(FileMark.init(of:))
        }
    }

    /// A key that everybody can read is a warning.
    static func exposure(of configuration: TLSServerContext.Configuration) -> String? {
        let key = configuration.identity.key
        guard FileReader.isWorldReadable(key) else { return nil }
        return "everybody on this host can read the certificate's key in \(key): chmod o-r \(key)"
    }
}
