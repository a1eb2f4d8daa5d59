import ArgumentParser
import WstanControl

struct InstancesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instances",
        abstract: "List the instances of this host, those that are stopped or have failed too.")

    @OptionGroup var output: OutputOptions
    /// They may stand before the command: `wstanctl -i home instances`.
    @OptionGroup(visibility: .private) var daemon: DaemonOptions

    func validate() throws {
        if daemon.named != nil {
            throw ValidationError(
                "instances lists all instances of this host: leave -i, --user and --socket out. "
                    + "wstanctl -i NAME status shows one"
            )
        }
    }

    func run() throws {
        let running = InstanceSearch.running().map { InstanceLine($0, status: try? DaemonClient($0).status()) }
        let found = running + UnitStates.others(than: running.map(\.unitKey)).map(InstanceLine.init)
        if output.json {
            found.forEach(Terminal.sayJSON)
        } else if !found.isEmpty { Terminal.say(InstanceLine.table(found, manner: Terminal.manner).joined(separator: "\n")) }
        guard running.isEmpty else { return }
        throw Failure.noneRuns
    }
}

/// What is told of an instance; as JSON with these names.
struct InstanceLine: Encodable {
    let unit: String
    /// As in wstand@NAME.
    let instance: String?
    let socket: String
    /// Absent when it does not answer, as one that does not run.
    let mode: Control.Mode?
    let state: Control.DaemonState?
    let tunnelsActive: Int?
    /// By systemd, of one that does not run: `inactive`, `failed`, ...
    let unitState: String?
    /// It is a user's.
    let user: Bool?
    private let label: String

    private enum CodingKeys: CodingKey { case unit, instance, socket, mode, state, tunnelsActive, unitState, user }

    init(_ instance: Instance, status: GetStatus.Reply?) {
        self.init(instance, status, unitState: nil)
    }

    init(_ stopped: UnitStates.Unit) {
        self.init(stopped.instance, nil, unitState: stopped.state)
    }

    private init(_ instance: Instance, _ status: GetStatus.Reply?, unitState: String?) {
        unit = instance.unit
        label = instance.label
        self.instance = instance.name
        socket = instance.socket
        mode = status?.mode
        state = status?.state
        tunnelsActive = status?.tunnelsActive
        self.unitState = unitState
        user = instance.manager == .user ? true : nil
    }

    fileprivate var unitKey: UnitStates.Key { .init(unit: unit, isUser: user ?? false) }

    static func table(_ lines: [InstanceLine], manner: Manner) -> [String] {
        let columns = [
            Table.Column("UNIT"), .init("MODE"), .init("STATE"), .init("TUNNELS", .right, rank: 1),
            .init("SOCKET", least: 16, rank: 2),
        ]
        let rows = lines.map { line in
            [
                line.label, line.mode?.rawValue ?? "-",
                line.state?.rawValue ?? line.unitState.map(word) ?? "does not answer",
                line.tunnelsActive.map { String($0) } ?? "-", line.unitState == nil ? line.socket : "-",
            ]
        }
        return Table(columns, rows, manner: manner).lines
    }

    /// systemd's state of a unit, as `systemctl start` and `stop` put it.
    private static func word(_ state: String) -> String { state == "inactive" ? "stopped" : state }
}

/// Units that exist, by systemd and by what is configured.
enum UnitStates {
    struct Key: Hashable {
        let unit: String
        let isUser: Bool
    }

    struct Unit: Equatable {
        let instance: Instance
        /// As systemd calls it.
        let state: String
    }

    static func others(than known: [Key]) -> [Unit] {
        let managers: [Instance.Manager] = [.system, .user]
        var found = managers.flatMap { manager in
            let options = manager == .user ? ["--user"] : []
            let command =
                ["systemctl"] + options + [
                    "list-units", "--all", "--plain", "--no-legend", "wstand.service", "wstand@*.service",
                ]
            guard let ended = Subprocess.run(command), ended.status == 0 else { return [Unit]() }
            return units(in: ended.output, manager)
        }
        // systemd forgets what is stopped. The file of the unit without a name comes with the package, and says nothing.
        let configured = InstanceSearch.configured().map { InstanceSearch.of(.system, $0) } + InstanceSearch.configuredByUser()
        for instance in configured where !found.contains(where: { $0.instance == instance }) {
            found.append(Unit(instance: instance, state: "inactive"))
        }
        return found.filter { !known.contains(Key(unit: $0.instance.unit, isUser: $0.instance.manager == .user)) }
    }

    /// Those that have failed, and how; a unit that waits to be started again has failed as well.
    static var failed: [(instance: Instance, how: String)] {
        others(than: []).filter { ["failed", "activating"].contains($0.state) }.compactMap { unit in
            let isOfUser = unit.instance.manager == .user
            guard case .failed(let how)? = UnitState.of(unit.instance.unit, isOfUser: isOfUser) else { return nil }
            return (unit.instance, how)
        }
    }

    /// Lines of UNIT, LOAD, ACTIVE, SUB, description.
    static func units(in output: String, _ manager: Instance.Manager) -> [Unit] {
        output.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 4, fields[1] == "loaded", let name = UnitName(String(fields[0])) else { return nil }
            return Unit(instance: InstanceSearch.of(manager, name.instance), state: Printable.text(String(fields[2])))
        }
    }
}
