import Logging
import Synchronization
import WstanBase
import WstanConfig
import WstanControl
import WstanCore

// From the daemon's own values to those of the control interface.

/// Turns points of the monotonic clock into those of the calendar's. What is told twice is told alike: both clocks are read one
/// after the other, so another reading of them counts only if the calendar's was set meanwhile.
package struct EventClock {
    private static let last = Mutex<EventClock?>(nil)
    /// In microseconds.
    private static let leastSetting = 1_000_000

    private let now: Instant
    private let wall: Int

    package init() {
        let reading = EventClock(now: .now(), wall: Int(CalendarTime(seconds: WallClock.now()).microseconds))
        self = Self.last.withLock { last in
            guard let former = last, abs(former.microseconds(of: reading.now) - reading.wall) < Self.leastSetting else {
                last = reading
                return reading
            }
            return former
        }
    }

    private init(now: Instant, wall: Int) {
        (self.now, self.wall) = (now, wall)
    }

    func microseconds(of instant: Instant) -> Int {
        instant < now
            ? wall - Int(clamping: (now - instant).wholeNanoseconds / 1000)
            : wall + Int(clamping: (instant - now).wholeNanoseconds / 1000)
    }
}

extension Control.Pool {
    package init(_ report: PoolReport) {
        self.init(
            size: report.size, idle: report.idle, opening: report.opening, hits: Int(clamping: report.hits),
            misses: Int(clamping: report.misses), rttUSec: report.roundTrip.map(Int.init(microsecondsOf:)))
    }
}

extension Control.Rejects {
    package init(_ counts: RefusalCounts) {
        self.init()
        for counter in RefusalCounts.Counter.allCases { self[Field(counter)] = counts[counter] }
    }
}

extension Control.Rejects.Field {
    package init(_ counter: RefusalCounts.Counter) {
        switch counter {
        case .replay: self = .replay
        case .expired: self = .expired
        case .badAuthentication: self = .badAuthentication
        case .malformed: self = .malformed
        case .forbiddenTarget: self = .forbiddenTarget
        case .overLimit: self = .overLimit
        case .droppedDatagrams: self = .droppedDatagrams
        case .draining: self = .draining
        }
    }
}

extension Control.Carrier {
    init(_ carrier: RequestCarrier) {
        switch carrier {
        case .cookie: self = .cookie
        case .path: self = .path
        case .subprotocol: self = .protocol
        }
    }
}

extension Control.Key {
    package init(_ key: ListedKey) {
        let source: Control.KeySource =
            switch key.source {
            case .configuration: .configuration
            case .credential: .credential
            case .state: .state
            }
        self.init(
            name: key.name?.text ?? Self.ofServer, id: key.id.description, state: key.expiry == nil ? .current : .previous,
            source: source,
            createdTimestampUSec: key.created.map { Int($0.microseconds) },
            retireTimestampUSec: key.expiry.map { Int($0.microseconds) }, uses: Int(clamping: key.use.count),
            lastUseTimestampUSec: key.use.last.map { Int($0.microseconds) }, kind: key.kind,
            formerServerKeyTimestampUSec: key.formerServerKeyUse.map { Int($0.microseconds) })
    }
}

extension Control.Refusal {
    package init(_ entry: RecentRefusals.Entry, names: [KeyID: KeyName]) {
        self.init(
            address: entry.source, cause: entry.reason, text: entry.text,
            key: entry.key.map { names[$0]?.text ?? $0.description }, count: entry.count,
            firstTimestampUSec: Int(entry.first.microseconds), lastTimestampUSec: Int(entry.last.microseconds))
    }
}

extension Control.Tunnel {
    package init(_ report: TunnelReport, names: [KeyID: KeyName], _ clock: EventClock) {
        let state: Control.TunnelState =
            switch report.state {
            case .connecting: .connecting
            case .using: .using
            case .resetting: .resetting
            case .idle: .idle
            }
        self.init(
            id: Int(clamping: report.id), state: state, protocol: report.carriesDatagrams ? .udp : .tcp,
            peer: report.peer, client: report.userAgent, target: report.target,
            key: report.key.map { names[$0]?.text ?? $0.description },
            bytesReceived: Int(clamping: report.traffic.received), bytesSent: Int(clamping: report.traffic.sent),
            startTimestampUSec: clock.microseconds(of: report.opened),
            lastActivityTimestampUSec: clock.microseconds(of: report.lastActivity),
            rttUSec: report.roundTrip > .zero ? Int(microsecondsOf: report.roundTrip) : nil)
    }
}

extension Control.Diagnostic {
    package init(_ diagnostic: Diagnostic) {
        let severity: Control.Severity = diagnostic.severity == .error ? .error : .warning
        switch diagnostic.place {
        case .commandLine: self.init(severity: severity, message: diagnostic.text)
        case .file(let path): self.init(severity: severity, file: path, message: diagnostic.text)
        case .line(let path, let line, let column):
            self.init(severity: severity, file: path, line: line, column: column, message: diagnostic.text)
        }
    }
}

extension ControlError {
    package init(_ failure: KeyFailure) {
        switch failure {
        case .noSuchKey(let id), .noSuchName(let id): self = .noSuchKey(id: id)
        case .nameTaken(let name): self = .keyExists(name: name)
        case .invalidName: self = .invalidParameter("name")
        case .invalidKey(let why): self = .invalidKey(message: why)
        case .keyReadOnly(let why): self = .keyReadOnly(source: why)
        case .versionNeeded, .noKey, .notStored, .notPossible, .busy: self = .operationFailed(message: failure.description)
        }
    }
}

extension Control.LogLevel {
    var forLogger: Logger.Level {
        switch self {
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        }
    }

    package init(_ level: Logger.Level) {
        switch level {
        case .trace, .debug: self = .debug
        case .info: self = .info
        case .notice: self = .notice
        case .warning: self = .warning
        case .error, .critical: self = .error
        }
    }
}

extension Int {
    package init(microsecondsOf duration: Duration) {
        self = Int(clamping: duration.wholeNanoseconds / 1000)
    }
}
