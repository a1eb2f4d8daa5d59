import ArgumentParser

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Makes an instance from nothing: at the server first, then at the client.",
        subcommands: [InitServerCommand.self, InitClientCommand.self])
}

/// What both have in common.
struct SetupOptions: ParsableArguments {
    @Flag(help: "Write over what is there and differs.")
    var force = false

    @Option(help: "Write below this directory instead of /, for an image that is being made.", completion: .directory)
    var root = ""

    func validate() throws {
        if !root.isEmpty, !root.hasPrefix("/") { throw ValidationError("--root takes a path that begins with /") }
    }

    func file(_ path: String) -> SetupFile {
        var root = root
        while root.hasSuffix("/") { root.removeLast() }
        return SetupFile(path, root: root)
    }
}

extension TunnelURI: ExpressibleByArgument {
    init?(argument: String) {
        self.init(argument)
    }
}

/// Tells what was done to which file.
enum SetupReport {
    enum Deed {
        case written(String)
        case kept(String)
    }

    static func text(_ deeds: [(path: String, deed: Deed)]) -> String {
        let width = deeds.map(\.path.count).max() ?? 0
        return deeds.map { entry in
            let what =
                switch entry.deed {
                case .written(let what): "written: \(what)"
                case .kept(let what): "stays: \(what)"
                }
            return Printable.padded(entry.path, to: width) + "  " + what
        }.joined(separator: "\n")
    }

    /// Said where nobody but root could read the key.
    static let noGroup =
        "there is no group wstan, so only root can read the key: systemd-sysusers makes it, then chgrp wstan and chmod 640"
}
