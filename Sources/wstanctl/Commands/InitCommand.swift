import ArgumentParser
import Glibc

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Set up a server, or a client of one.",
        subcommands: [InitServerCommand.self, InitClientCommand.self])
}

/// For both ends.
struct SetupOptions: ParsableArguments {
    @Flag(help: "Show what would be done, and do nothing.")
    var dryRun = false

    @Flag(help: "Replace files that differ. A copy of each is kept, and named.")
    var force = false

    @Option(help: "Write below this directory instead of /, for an image; restart nothing.", completion: .directory)
    var root = ""

    func validate() throws {
        if !root.isEmpty, !root.hasPrefix("/") { throw ValidationError("--root takes a path that begins with /") }
    }

    func host(_ manager: Instance.Manager = .system) -> SetupHost {
        SetupHost(root: prefix, manager: manager)
    }

    private var prefix: String {
        var root = root
        while root.hasSuffix("/") { root.removeLast() }
        return root
    }

    /// - Returns: the path, if the file has a client's key.
    func presentKey(_ path: String) -> String? {
        let path = prefix + path
        guard let key = try? KeyInput.fromFile(path) else { return nil }
        return (try? KeyInput.checked(key, isPassphrase: true)) != nil ? path : nil
    }

    /// Does what was planned and says so, or only shows it.
    ///
    /// - Returns: whether it was done.
    func carryOut(_ plan: SetupPlan, on host: SetupHost) throws(Failure) -> Bool {
        if dryRun {
            Terminal.say(plan.preview)
            return false
        }
        // Each is told when it is done: where one fails, those before it are known.
        for deed in plan.deeds {
            try host.carryOut(deed)
            Terminal.say(plan.line(deed))
        }
        if host.manager == .system, SetupFile.lacksGroup { Terminal.complain("note: \(Self.noGroup)") }
        return true
    }

    private static let noGroup =
        "there is no group wstan, so only root can read the key. Run systemd-sysusers, then chgrp wstan and chmod 640."
}

extension TunnelURI {
    /// For options: a text that is refused is refused with the reason.
    @Sendable static func argument(_ text: String) throws -> TunnelURI {
        do throws(Problem) {
            return try TunnelURI(reading: text)
        } catch {
            throw ValidationError(error.description)
        }
    }
}
