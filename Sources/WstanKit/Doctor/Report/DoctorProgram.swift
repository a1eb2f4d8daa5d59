import Glibc
import WstanBase
import WstanConfig
import WstanCore

/// `wstand --doctor`: looks at everything between this end and the other one, whether the daemon runs or not. A signal
/// ends it at once, as it ends any program that does not care.
enum DoctorProgram {
    /// - Parameters:
    ///   - unit: what runs this configuration; nil where systemd knows of none.
    ///   - isUnitUser: whether this process is the user that the unit runs as.
    /// - Returns: the exit status; everything has been told on stdout.
    static func run(
        _ settings: Settings, warnings: [Diagnostic], _ unit: ServiceUnit?, isUnitUser: Bool
    ) -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        let descriptorLimit = Descriptors.raiseLimit()
        let teller = Teller(examining: settings.mode)
        for finding in unit?.findings(settings) ?? [] { teller.tell(finding) }
        if let unit, let user = unit.user { teller.tell(Self.judge(user, isUnitUser)) }
        let files = FileCheck(settings, warnings: warnings, now: WallClock.now())
        for finding in files.findings { teller.tell(finding) }
        let worker: Worker
        do throws(SystemError) {
            worker = try Worker(index: 0, memoryLimit: 16 << 20)
        } catch {
            teller.tell(.failed(.other, "doctor", "cannot start: \(error)"))
            return teller.end()
        }
        let resolver = Resolver(pool: BlockingPool())
        let tell = { (finding: Finding) in teller.tell(finding) }
        switch settings.mode {
        case .client:
            let examination = ClientCheck(
                worker: worker, settings: settings, files: files,
                environment: .system, resolver: resolver, unit: unit, tell: tell)
            worker.spawn {
                teller.isRunning = await examination.run()
                worker.stop()
            }
        case .server:
            let examination = ServerCheck(
                worker: worker, settings: settings, files: files, resolver: resolver, descriptorLimit: descriptorLimit,
                unit: unit, tell: tell)
            worker.spawn {
                teller.isRunning = await examination.run()
                worker.stop()
            }
        }
        worker.run()
        return teller.end()
    }

    private static func judge(_ user: String, _ isUnitUser: Bool) -> Finding {
        isUnitUser
            ? .ok("user", "files are read as \(user), the user of the service")
            : .warning(
                "user", "files are read as this user, not as \(user), the user of the service",
                remedy: "run the doctor with sudo")
    }
}

/// Prints each finding as soon as it is there. Confined to the main thread.
private final class Teller: @unchecked Sendable {
    private var report: FindingReport

    init(examining mode: Settings.Mode) {
        // no-color.org: set and not empty.
        let wantsNone = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
        let examined =
            switch mode {
            case .client: "the files, the way to the server, and where wstand listens"
            case .server: "the files, where wstand listens, the look-up of names, and the limits of this host"
            }
        report = FindingReport(isColoured: !wantsNone && isatty(STDOUT_FILENO) == 1, examined: examined)
    }

    var isRunning: Bool? {
        get { report.isRunning }
        set { report.isRunning = newValue }
    }

    func tell(_ finding: Finding) {
        write(report.lines(for: finding))
    }

    func end() -> Int32 {
        write(report.summary)
        return report.exitStatus
    }

    private func write(_ text: String) {
        let bytes = Array(text.utf8)
        // Whoever has stopped to read gets the exit status all the same.
        _ = bytes.withUnsafeBytes { BlockingCopy.write($0, to: STDOUT_FILENO) }
    }
}
