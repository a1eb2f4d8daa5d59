import ArgumentParser
import WstanControl

/// Why this program has not done what it was asked to do, and what to do about it.
struct Failure: Error, Equatable {
    let text: String
    let status: ExitCode

    init(_ text: String, status: ExitCode = .failure) {
        self.text = text
        self.status = status
    }

    /// What a call to a daemon came to.
    ///
    /// - Parameter right: that the call needs.
    init(_ failure: ControlConnection.Failure, of instance: Instance, needing right: Control.Right = .group) {
        guard failure != .notRunning else {
            self = .notRunning(instance)
            return
        }
        self.init(FailureText.text(failure, instance, needing: right), status: Self.status(of: failure))
    }

    /// The instance does not run. One whose service has failed is set up, even if its configuration has gone.
    private static func notRunning(_ instance: Instance) -> Failure {
        if !instance.isElsewhere, case .failed(let how)? = UnitState.of(instance.unit, isOfUser: instance.manager == .user) {
            return Failure(FailureText.failed(instance, how), status: .notRunning)
        }
        return instance.isUnknown ? .unknown(instance) : Failure(FailureText.stopped(instance), status: .notRunning)
    }

    /// It was named, and is not set up.
    static func unknown(_ instance: Instance) -> Failure {
        Failure(FailureText.unknown(instance), status: .usage)
    }

    /// No instance runs.
    static var noneRuns: Failure {
        Failure(FailureText.noneRuns(ExpectedInstances.find(), failed: UnitStates.failed), status: .notRunning)
    }

    private static func status(of failure: ControlConnection.Failure) -> ExitCode {
        switch failure {
        case .notRunning: .notRunning
        case .notPermitted, .refused(.permissionDenied): .notPermitted
        case .refused(.configurationInvalid): .configuration
        case .refused(.invalidParameter): .usage
        case .refused, .ended, .malformed, .timedOut, .tooLong, .system: .failure
        }
    }
}

extension ExitCode {
    static let notRunning = ExitCode(3)
    static let notPermitted = ExitCode(4)
    static let usage = ExitCode(64)
    static let configuration = ExitCode(78)
}
