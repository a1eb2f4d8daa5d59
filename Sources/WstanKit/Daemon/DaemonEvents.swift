import Logging
import WstanBase
import WstanConfig
import WstanCore

/// What the daemon logs of its own life, its configuration, its files and its control socket.
extension EventLog {
    // MARK: Life

    func started(_ text: String) {
        logger.notice("\(text)", metadata: .of(.started))
    }

    /// - Parameter setting: what would say where to listen.
    func listensOnPassed(_ setting: String, _ ignored: [ListenAddress]) {
        let places = ignored.map(\.description).joined(separator: ", ")
        logger.notice("sockets that were passed take the place of \(setting) = \(places), which is not opened")
    }

    /// As SIGUSR1 asks for.
    func status(_ line: String) {
        logger.notice("status: \(line)")
    }

    func keysNotLocked(bytes: Int) {
        logger.info("keys are in memory that may be swapped: raise LimitMEMLOCK= or ulimit -l", metadata: ["bytes": "\(bytes)"])
    }

    func draining(_ count: Duration) {
        logger.notice("stopping", metadata: ["drain-timeout": "\(count)"])
    }

    func stopped() {
        logger.notice("stopped", metadata: .of(.stopped))
    }

    func acceptPaused(_ error: SystemError, now: Instant) {
        guard let missed = throttle.allows("accept", now: now) else { return }
        logger.warning(
            "accepting pauses: \(error); raise LimitNOFILE=, ulimit -n, or the limit of its container",
            metadata: .of(.limitReached, ["repeated": "\(missed)"]))
    }

    /// - Parameter isWatched: whether systemd waits for a sign of life.
    func workerHangs(for duration: Duration, isWatched: Bool) {
        logger.error(
            isWatched
                ? "a thread has not turned for \(duration); systemd gets no sign of life until it does"
                : "a thread has not turned for \(duration)",
            metadata: .of(.workerHangs))
    }

    // MARK: Configuration

    func warning(_ text: String) {
        logger.warning("\(text)")
    }

    /// - Parameters:
    ///   - changed: settings whose new values are in force.
    ///   - needRestart: settings that have changed and wait for one.
    func reloaded(changed: [String], needRestart: [String]) {
        var metadata: Logger.Metadata = [:]
        if !changed.isEmpty { metadata["changed"] = "\(changed.joined(separator: ", "))" }
        if !needRestart.isEmpty { metadata["need-restart"] = "\(needRestart.joined(separator: ", "))" }
        logger.notice("the configuration was read again", metadata: .of(.reloaded, metadata))
    }

    func notReloaded(_ errors: [String]) {
        logger.error(
            "the configuration was read again and has errors, so nothing was changed", metadata: .of(.reloadFailed))
        for error in errors { logger.error("\(error)") }
    }

    func certificateRenewed(_ file: String) {
        logger.notice("a new certificate is in use", metadata: .of(.certificateRenewed, ["certificate": "\(file)"]))
    }

    func certificateRefused(_ problem: TLSContext.Problem) {
        logger.warning(
            "the certificate in use stays, since the new one is not usable: \(problem)",
            metadata: .of(.certificateRefused))
    }

    func watermarksNotWritten(_ path: String, _ error: SystemError, now: Instant) {
        guard let missed = throttle.allows("marks", every: .seconds(60), now: now) else { return }
        logger.warning(
            "cannot write \(path), so requests could be replayed after a reboot: \(error)",
            metadata: .repeated(missed))
    }

    func journalTroubled(_ trouble: ReplayJournal.Trouble) {
        switch trouble {
        case .madeAnew(let path):
            logger.warning("\(path) was truncated or removed by another process, and was written anew: let only wstand change it")
        case .overwritten(let path):
            logger.warning("\(path) was overwritten by another process, and was written anew: let only wstand change it")
        case .failed(let path, let error):
            logger.warning("cannot write \(path), so requests could be replayed after a restart: \(error)")
        case .recovered(let path):
            logger.notice("\(path) can be written again")
        }
    }

    // MARK: Keys

    func keyRotated(_ name: String, to id: KeyID, method: String, by process: LocalProcess) {
        keyChanged("rotate-key \(name) (new ID \(id))", .keyRotated, name, "\(id)", method, process)
    }

    func serverKeyRotated(to id: KeyID, method: String, by process: LocalProcess) {
        keyChanged("rotate-server-key (new ID \(id))", .keyRotated, "(server)", "\(id)", method, process)
    }

    func keyAdded(_ name: String, _ id: KeyID, method: String, by process: LocalProcess) {
        keyChanged("add-key \(name) (ID \(id))", nil, name, "\(id)", method, process)
    }

    func keyRetired(_ name: String, _ id: String, method: String, by process: LocalProcess) {
        keyChanged("retire-key \(name) (ID \(id))", .keyRetired, name, id, method, process)
    }

    private func keyChanged(
        _ command: String, _ event: MessageID?, _ name: String, _ id: String, _ method: String, _ process: LocalProcess
    ) {
        let metadata: Logger.Metadata = [
            "key-name": .inMessage(name), "key-id": .inMessage(id), "method": .inMessage(method),
            "uid": .inMessage("\(process.uid)"), "pid": .inMessage("\(process.pid)"),
        ]
        let caller = process.uid == 0 ? "root" : "user \(process.uid)"
        logger.notice(
            "\(command) by \(caller), pid \(process.pid)", metadata: event.map { .of($0, metadata) } ?? metadata)
    }

    // MARK: Control socket

    /// A method that changes something, or hands out a secret, is about to be carried out.
    func commandReceived(_ method: String, by process: LocalProcess) {
        logger.notice(
            "control command received",
            metadata: ["method": "\(method)", "uid": "\(process.uid)", "pid": "\(process.pid)"])
    }

    func commandFailed(_ method: String, by process: LocalProcess, _ error: String) {
        logger.warning(
            "control command failed",
            metadata: ["method": "\(method)", "uid": "\(process.uid)", "pid": "\(process.pid)", "error": "\(error)"])
    }

    /// Any user can cause these.
    func commandDenied(_ method: String, to process: LocalProcess, now: Instant) {
        guard let missed = throttle.allows("denied", now: now) else { return }
        logger.warning(
            "control command denied",
            metadata: [
                "method": "\(method)", "uid": "\(process.uid)", "pid": "\(process.pid)", "repeated": "\(missed)",
            ])
    }

    /// Of one who may do more than look.
    func controlIsFull(_ process: LocalProcess, now: Instant) {
        guard let missed = throttle.allows("control is full", every: .seconds(60), now: now) else { return }
        logger.warning(
            "a connection to the control socket was closed: the others are all in use; end calls that follow something",
            metadata: .of(
                .limitReached, ["uid": "\(process.uid)", "pid": "\(process.pid)", "repeated": "\(missed)"]))
    }
}
