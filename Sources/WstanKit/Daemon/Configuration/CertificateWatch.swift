import WstanCore

/// Takes a server's certificate over when its files have changed. They are looked at every few seconds, which needs no
/// right to watch a directory and sees what links lead to. Confined to its worker.
final class CertificateWatch: @unchecked Sendable {
    /// What connections are shown; nil while the server speaks no TLS.
    private(set) var certificate: ServerCertificate?
    /// Why the files as they were read last are of no use.
    private(set) var refusal: TLSContext.Problem?
    /// The files as they were when they were read last, whether they were good or not.
    private var read: [FileMark]
    /// The files as they were a step ago.
    private var seen: [FileMark]
    private var isLooking = false
    private let worker: Worker
    private let blocking: BlockingPool
    private let log: EventLog
    private let show: (TLSServerContext?) -> Void

    /// Files are read when a step has found them as the step before did: whoever replaces two of them does not do it in
    /// one go.
    private static let step: Duration = .seconds(2)

    /// - Parameters:
    ///   - certificate: what connections are shown already.
    ///   - show: called on the worker with what connections are shown from then on.
    init(
        of certificate: ServerCertificate?, on worker: Worker, blocking: BlockingPool, log: EventLog,
        show: @escaping (TLSServerContext?) -> Void
    ) {
        self.certificate = certificate
        read = certificate?.marks ?? []
        seen = read
        self.worker = worker
        self.blocking = blocking
        self.log = log
        self.show = show
    }

    func start() {
        if certificate != nil, !isLooking { lookLater() }
    }

    /// Another one, or none, by the configuration.
    func adopt(_ certificate: ServerCertificate?) {
        self.certificate = certificate
        read = certificate?.marks ?? []
        seen = read
        refusal = nil
        show(certificate?.context)
        start()
    }

    private func lookLater() {
        isLooking = true
        _ = worker.schedule(after: Self.step) { [self] in
            isLooking = certificate != nil
            guard let certificate else { return }
            look(at: certificate)
            lookLater()
        }
    }

    private func look(at certificate: ServerCertificate) {
        let (read, seen) = (read, seen)
        _ = blocking.submit(for: "certificate") { [self, worker] in
            let marks = ServerCertificate.marks(of: certificate.configuration)
            guard marks != read, marks == seen else {
                return worker.execute { [self] in if isShown(certificate) { self.seen = marks } }
            }
            let result = Result { () throws(TLSContext.Problem) in
                try ServerCertificate(certificate.configuration, succeeding: certificate.context)
            }
            worker.execute { [self] in if isShown(certificate) { renew(result, marks) } }
        }
    }

    /// Else the configuration has brought another one meanwhile.
    private func isShown(_ certificate: ServerCertificate) -> Bool { self.certificate?.context === certificate.context }

    private func renew(_ result: Result<ServerCertificate, TLSContext.Problem>, _ marks: [FileMark]) {
        read = marks
        switch result {
        case .success(let certificate):
            self.certificate = certificate
            refusal = nil
            log.certificateRenewed(certificate.configuration.identity.certificate)
            if let warning = certificate.context.warning { log.warning(warning) }
            show(certificate.context)
        case .failure(let problem):
            refusal = problem
            log.certificateRefused(problem)
        }
    }
}
