import Glibc
import WstanBase
import WstanConfig
import WstanControl
import WstanCore

/// What `wstand` does with its command line.
public enum CommandLineProgram {
    public static func run() -> Never {
        // Until the daemon has started; what else runs ends soon.
        Erasure.begin()
        KeyMemory.begin()
        let arguments = SecretArguments(ProgramStart.begin())
        // What a unit is to read is read as its user: what keeps it from starting is to be found.
        let unit = ServiceUnit.examined(by: arguments.words)
        let isUnitUser = UnitUser.assume(unit)
        do throws(ConfigurationFailure) {
            switch try Invocation.parse(arguments.words, in: .system) {
            case .run(let settings, let warnings):
                eraseKey(of: settings)
                // Not exit: what it tidies up is still in use by the other workers.
                _exit(Daemon.run(settings, arguments: arguments, warnings: warnings))
            case .generateKey(let isV2):
                print(FreshKey(isV2: isV2).text(onTerminal: isatty(STDOUT_FILENO) == 1))
            case .clientKey:
                print(try ClientString.ofServerOnStdin())
            case .help(let text):
                print(text)
            case .version:
                print("wstand \(Daemon.version)")
            case .checkConfig(let settings, let origins, let diagnostics):
                let found = ConfigurationCheck(settings, origins, after: diagnostics).withKeyRing().diagnostics
                if let failure = ConfigurationFailure(of: found) { throw failure }
                for warning in found { complain(warning.description) }
                print("The configuration is good.")
            case .doctor(let settings, let warnings):
                // Not exit: a thread may still look up a name.
                _exit(DoctorProgram.run(settings, warnings: warnings, unit, isUnitUser: isUnitUser))
            case .printConfig(let text, let warnings):
                for warning in warnings { complain(warning.description) }
                print(text)
            case .stdio(let target, let places):
                // Not exit: a thread may still read stdin.
                _exit(StandardStreamsProgram.run(target: target, via: places))
            }
            // A stdout that the caller has closed is no fault of the disk's.
            guard fflush(nil) == 0 || errno == EBADF else {
                complain("cannot write to stdout: \(SystemError.text(errno))")
                exit(Daemon.ExitStatus.failure)
            }
            exit(Daemon.ExitStatus.success)
        } catch {
            complain(error.description)
            if let unit, let user = unit.user, isUnitUser { complain("checked as \(user), the user of \(unit.name)") }
            exit(error.exitStatus.rawValue)
        }
    }

    /// A key on the command line is seen by every user of this host until here.
    private static func eraseKey(of settings: Settings) {
        if case .text(let key) = settings.key { ProgramStart.eraseArgument(key.text) }
        Erasure.eraseStack()
    }

    private static func complain(_ text: String) {
        LogWriter.standardError.write(text)
        LogWriter.standardError.flush()
    }
}
