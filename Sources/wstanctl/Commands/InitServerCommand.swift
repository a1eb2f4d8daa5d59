import ArgumentParser
import WstanControl

struct InitServerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Make this host a server, and print what a client needs.",
        discussion: """
            It makes a key of version 2 unless there is a key, writes \(ServerWish.dropIn), has systemd listen on ports \
            below 1024, and restarts wstand if it runs.
            """)

    @Option(
        help: "Where to listen. (default: as configured, or ws://0.0.0.0:8080/)", transform: TunnelURI.argument)
    var uri: TunnelURI?
    @Option(
        name: [.customLong("address"), .customLong("host")],
        help: "The name, address or URI that clients use. (default: this host's own address)",
        transform: Self.address)
    var address: PublicAddress?
    @Option(help: "The name of the key to print. (default: the configured key)", completion: .custom(KeyNames.complete))
    var name: String?
    @Flag(help: "Make a key of version 1, which the Python wstan needs. It proves no server, and both ends share it.")
    var python = false
    @OptionGroup var setup: SetupOptions

    private static func address(_ text: String) throws -> PublicAddress {
        guard let address = PublicAddress(text) else { throw ValidationError(PublicAddress.problem) }
        return address
    }

    func validate() throws {
        if let name, !Instance.isName(name) {
            throw ValidationError("a name is letters, digits, dots, dashes and underscores")
        }
    }

    func run() throws {
        let host = setup.host()
        let wish = ServerWish(uri: uri, address: address, force: setup.force)
        let others: [any SetupStep] = [
            ServerConfigurationStep(wish: wish), ListenSocketStep(wish: wish), RestartStep(unit: SocketUnit.service),
        ]
        let units = [SocketUnit.service, SocketUnit.name]
        let source = try ServerGoal(wish, on: try host.observe(others, units: [])).key
        let steps = [ServerKeyStep(source: source, isForPython: python)] + others
        let seen = try host.observe(steps, units: units)
        let goal = try ServerGoal(wish, on: seen)
        let plan = try SetupPlan(steps, on: seen)
        let key = try ServerKey(named: name, goal, on: seen, plan, host)
        guard try setup.carryOut(plan, on: host) else { return }
        let outlook = UnitOutlook(SocketUnit.service, on: seen, plan)
        // What runs knows its own address better, such as the name of its certificate.
        let reply = host.root.isEmpty && outlook != .isStopped ? try ServerKey.told(named: name) : nil
        let text = ServerText(
            uri: ClientURI(reply) ?? ClientURI(goal, on: seen, ownAddress: HostAddress.outward()),
            key: reply?.key.map { .key($0) } ?? key, name: name, outlook: outlook, isLoopback: goal.uri.isLoopback,
            needsTLS: goal.uri.scheme == "wss" && !goal.hasCertificate)
        Terminal.say("\n" + text.text)
        Terminal.warn(reply?.warnings)
    }
}

/// The key that a client needs, as far as it can be told.
enum ServerKey: Equatable {
    case key(String)
    /// Only wstand can tell it, once it runs.
    case unknown

    /// - Throws: when no key has that name.
    init(
        named name: String?, _ goal: ServerGoal, on seen: HostObservation, _ plan: SetupPlan, _ host: SetupHost
    ) throws(Failure) {
        if host.root.isEmpty, let reply = try Self.told(named: name), let key = reply.key ?? Self.key(in: reply.text) {
            self = .key(key)
            return
        }
        let state = seen.layers(of: ServerWish.configuration)["state-directory"]?.text ?? "/var/lib/wstan"
        let hasRing = try SetupFile(state + "/keyring", root: host.root).exists
        if let name, name != Self.configured {
            guard hasRing else { throw Self.noKey(named: name) }
            self = .unknown
            return
        }
        switch goal.key {
        case .text(let text): self = try Self.client(of: Array(text.utf8), in: "the configuration", hasRing: hasRing)
        case .service: self = .unknown
        case .file, nil:
            let path = goal.keyFile ?? ServerWish.defaultKeyFile
            // A key file that is made now counts, whatever the ring has.
            let made = plan.text(of: path).map { Array($0.utf8) }
            self = try Self.client(of: made ?? seen.files[path] ?? [], in: path, hasRing: hasRing && made == nil)
        }
    }

    /// - Parameter server: the key that the server has. One of version 1 is the client's too.
    private static func client(of server: [UInt8], in place: String, hasRing: Bool) throws(Failure) -> ServerKey {
        let key = try KeyInput.serverKey(in: server, named: place)
        if hasRing { return .unknown }
        return (key.isKeyString ? KeyStrings.forClient(of: key.text) : key.text).map { .key($0) } ?? .unknown
    }

    static let configured = "default"

    static func noKey(named name: String) -> Failure {
        let name = Printable.text(name)
        return Failure(
            "no key is named \(name). Once wstand runs, wstanctl add-key \(name) makes one and prints what that device needs."
        )
    }

    /// By a server that runs: its ring counts more than any file.
    ///
    /// - Returns: nil when none runs.
    static func told(named name: String?) throws(Failure) -> GetClientConfiguration.Reply? {
        let daemon = DaemonClient(InstanceSearch.of(.system, nil))
        do throws(ControlConnection.Failure) {
            let connection = { () throws(ControlConnection.Failure) in try ControlConnection(to: daemon.instance.socket)
            }
            let status = try connection().call(GetStatus.self, .init(), timeout: DaemonClient.patience)
            guard status.mode == .server else { return nil }
            return try connection().call(
                GetClientConfiguration.self, .init(keyName: name), timeout: DaemonClient.patience)
        } catch {
            switch error {
            case .notRunning: return nil
            case .refused(.noSuchKey): throw noKey(named: name ?? configured)
            default: throw Failure(error, of: daemon.instance)
            }
        }
    }

    /// A daemon of 0.1.0 tells it in the configuration only.
    private static func key(in text: String) -> String? {
        ConfigurationText(text).entries.last { $0.name == "key" && $0.section == nil }?.value
    }
}

/// What there is to do when a server's files are written.
struct ServerText {
    let uri: ClientURI
    let key: ServerKey
    /// The key that was asked for.
    let name: String?
    let outlook: UnitOutlook
    let isLoopback: Bool
    /// A front has to speak TLS, or a certificate is missing.
    let needsTLS: Bool

    var text: String {
        var parts = [outlook.text(InstanceSearch.of(.system, nil))]
        switch key {
        case .key(let key): parts.append(ClientLine.new(name: name, uri: uri.uri.text, key: key))
        case .unknown:
            let option = name.map { " --key \($0)" } ?? ""
            parts.append(
                "The current keys are kept by wstand, which is not running. Once it is, this prints what a client needs:\n\n"
                    + "    sudo wstanctl -i wstand client-config\(option)")
        }
        switch uri.certainty {
        case .known: break
        case .guessed: parts.append(ClientLine.guess(uri.uri.host))
        case .loopbackOnly:
            parts.append("Replace HOST with the name by which clients reach that web server; --address NAME sets it.")
        }
        if isLoopback {
            let path = uri.uri.path.prefix { $0 != "?" }
            let place = path.isEmpty ? "/" : path
            parts.append("wstand listens on this host only. A web server in front of it has to forward \(place) to it.")
        }
        if needsTLS {
            parts.append(
                "wss:// needs TLS: by a web server in front of wstand, or by [tls] certificate in wstan.conf(5).")
        }
        return parts.joined(separator: "\n\n")
    }
}
