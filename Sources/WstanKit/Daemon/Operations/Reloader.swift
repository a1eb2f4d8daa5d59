import Glibc
import WstanBase
import WstanConfig
import WstanControl
import WstanCore

/// Puts another configuration in force while the daemon runs, all of it or nothing. Confined to the main worker.
final class Reloader: @unchecked Sendable {
    /// What is in force.
    private(set) var settings: Settings
    /// What it is and where it listens, in words.
    var place = ""
    /// What the start or the last reload found wrong.
    var warnings: [String]
    private(set) var loaded = CalendarTime(seconds: WallClock.now())
    /// Why the last reload has changed nothing.
    private(set) var errors: [Diagnostic] = []
    /// When that was.
    private(set) var failed: CalendarTime?
    /// Settings that the last reload found changed, and that stay as they are until a restart.
    private(set) var requiresRestart: [String] = []
    /// Those that the start or a reload read last, whether they were good or not.
    private(set) var files: ConfigurationFiles {
        didSet { readings += 1 }
    }
    /// How often a reload has read them.
    private(set) var readings = 0
    private(set) var isReloading = false
    /// The daemon stops: nothing is opened or put in force, not even what is read already.
    var isOver = false
    /// Whether a signal has asked meanwhile: the files may have changed since they were read.
    private var isAskedAgain = false

    private let context: DaemonContext
    private let keys: KeyRingService
    private let services: Services
    private let listen: (ListenPlan) throws(ListenAddresses.Failure) -> String
    private let rehearse: (ListenPlan) throws(ListenAddresses.Failure) -> Void
    private let admitToControl: (_ group: UInt32?) -> Void

    /// - Parameters:
    ///   - listen: opens and closes listeners; says where it listens then, in words.
    ///   - rehearse: throws what `listen` would throw, and changes nothing.
    ///   - admitToControl: lets a group use the control socket.
    init(
        _ parts: Composition, listen: @escaping (ListenPlan) throws(ListenAddresses.Failure) -> String,
        rehearse: @escaping (ListenPlan) throws(ListenAddresses.Failure) -> Void,
        admitToControl: @escaping (_ group: UInt32?) -> Void
    ) {
        settings = parts.configuration.settings
        warnings = parts.told.warnings
        files = parts.files
        context = parts.context
        keys = parts.keys
        services = parts.services
        self.listen = listen
        self.rehearse = rehearse
        self.admitToControl = admitToControl
    }

    /// For a signal: what comes of it is in the log.
    func reloadSoon() {
        guard !isReloading else {
            isAskedAgain = true
            return
        }
        guard !isOver else { return }
        context.main.spawn { [self] in _ = try? await reload() }
    }

    /// - Throws: `configurationInvalid`, when nothing has changed; `wrongState`, while another one is under way.
    func reload() async throws(ControlError) -> Reload.Reply {
        guard !isReloading else { throw .wrongState("reloading") }
        isReloading = true
        ServiceManager.tell(.reloading(at: .now()))
        defer {
            isReloading = false
            if !isOver { ServiceManager.tell(.ready(place)) }
            context.statusNews.tell()
            if isAskedAgain {
                isAskedAgain = false
                reloadSoon()
            }
        }
        let outcome: Outcome
        do throws(ConfigurationFailure) {
            let (found, configuration) = try await load()
            files = found
            outcome = try await putInForce(try configuration.get())
        } catch {
            errors = error.diagnostics.filter { $0.severity == .error }
            failed = CalendarTime(seconds: WallClock.now())
            context.log.notReloaded(errors.map(\.textWithPlace))
            throw .configurationInvalid(error.diagnostics.map(Control.Diagnostic.init))
        }
        errors = []
        failed = nil
        requiresRestart = outcome.requiresRestart
        warnings = outcome.warnings
        loaded = CalendarTime(seconds: WallClock.now())
        context.log.reloaded(changed: outcome.changed, needRestart: outcome.requiresRestart)
        for warning in warnings + outcome.news { context.log.warning(warning) }
        return outcome.reply
    }

    /// What a reload would come to now. It changes nothing, and tells the log nothing.
    ///
    /// - Throws: `configurationInvalid`, as `reload` would.
    func preview() async throws(ControlError) -> Reload.Reply {
        do throws(ConfigurationFailure) {
            return try await putInForce(try await load().configuration.get(), isTrial: true).reply
        } catch {
            throw .configurationInvalid(error.diagnostics.map(Control.Diagnostic.init))
        }
    }

    private typealias Reading = (files: ConfigurationFiles, configuration: Result<LoadedConfiguration, ConfigurationFailure>)

    private func load() async throws(ConfigurationFailure) -> Reading {
        let result = await context.blocking.run(for: "configuration", from: context.main) { [context, settings] in
            let found = ConfigurationFiles(of: context.arguments, naming: settings)
            let loaded = Erasure.during {
                Result { () throws(ConfigurationFailure) in
                    try LoadedConfiguration.load(context.arguments.words, replacing: settings, passed: context.passed)
                }
            }
            guard let next = try? loaded.get().next, next.namesOtherFiles(than: settings) else {
                return Reading(found, loaded)
            }
            return Reading(ConfigurationFiles(of: context.arguments, naming: next), loaded)
        }
        guard let result else { throw Self.failure("the threads for files are busy: try again") }
        return result
    }

    private static func failure(_ text: String) -> ConfigurationFailure {
        ConfigurationFailure([Diagnostic(.error, at: .commandLine, text)], exitStatus: .configuration)
    }

    private struct Outcome {
        var changed: [String]
        let requiresRestart: [String]
        /// What is wrong, and stays so.
        var warnings: [String]
        /// What was done, beside what was asked for.
        var news: [String] = []

        /// The caller is told all of it.
        var reply: Reload.Reply {
            let told = warnings + news
            return Reload.Reply(changed: changed, requiresRestart: requiresRestart, warnings: told.isEmpty ? nil : told)
        }
    }

    /// - Parameter isTrial: it only says what would come of it.
    private func putInForce(
        _ configuration: LoadedConfiguration, isTrial: Bool = false
    ) async throws(ConfigurationFailure) -> Outcome {
        guard !isOver else { throw Self.failure("wstand is stopping") }
        let difference = SettingsDifference(from: settings, to: configuration.settings)
        var outcome = Outcome(
            changed: difference.takesOver, requiresRestart: difference.needsRestart, warnings: configuration.warnings)
        // The other end is another program: its users, its TLS and its key are none for this one.
        if configuration.settings.mode == settings.mode {
            // What can still fail comes first.
            do throws(ListenAddresses.Failure) {
                if isTrial { try rehearse(configuration.plan) } else { place = try listen(configuration.plan) }
            } catch {
                throw Self.failure(error.description)
            }
            outcome.warnings += configuration.plan.unusedNews(since: settings)
            if configuration.plan.hasPassedListeners { outcome.changed.removeAll { $0.hasSuffix("] listen") } }
            if !isTrial { await apply(configuration) }
            let ring = await adopt(configuration.key, &outcome, isTrial: isTrial)
            let refused = RefusedKeys(ring, configuration.next, now: keys.clock())
            outcome.news += [refused?.text].compactMap { $0 }
        }
        return outcome
    }

    private func apply(_ configuration: LoadedConfiguration) async {
        let next = configuration.next
        settings = next
        context.threshold.level = next.logLevel.forLogger
        context.apply(bufferBudget: configuration.bufferBudget)
        admitToControl(configuration.controlGroup)
        await services.apply(configuration)
    }

    /// - Returns: the keys then.
    private func adopt(_ key: ConfiguredKey?, _ outcome: inout Outcome, isTrial: Bool) async -> KeyRing {
        var ring = keys.ring
        guard let key else { return ring }
        let former = keys.configuration.id
        do throws(KeyFailure) {
            let next: TunnelKey
            if isTrial {
                (ring, next, outcome.news) = keys.preview(key)
            } else {
                let (news, warnings) = try await keys.adopt(key)
                outcome.news = news
                outcome.warnings += warnings
                (ring, next) = (keys.ring, keys.configuration)
            }
            let isTold = outcome.changed.contains { $0.hasPrefix("key") }
            if next.id != former, !isTold { outcome.changed.append("key") }
        } catch {
            outcome.warnings.append("the configured key was not taken over: \(error)")
        }
        return ring
    }
}
