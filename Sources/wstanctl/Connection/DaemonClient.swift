import ArgumentParser
import WstanControl

/// Which instance is meant, whether it runs or not.
struct InstanceOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: "The instance: NAME of wstand@NAME, or wstand. (default: the only one that is running)",
        completion: .custom { _, _, _ in InstanceSearch.running().map { $0.name ?? "wstand" } })
    var instance: String?

    @Flag(help: "The instance of this user, not one of the system.")
    var user = false

    func validate() throws {
        if let instance, UnitName(instance) == nil {
            throw ValidationError("an instance is the NAME of wstand@NAME")
        }
    }

    /// The one that is named; nil when none is.
    var named: Instance? {
        if let instance { return UnitName(instance).map { InstanceSearch.named($0.instance, user ? .user : nil) } }
        return user ? InstanceSearch.named(nil, .user) : nil
    }

    /// The one that is named, else the only one that runs, else the only one that is set up.
    func choose() throws(Failure) -> Instance { try DaemonOptions.choose(named) }
}

/// Which daemon is meant.
struct DaemonOptions: ParsableArguments {
    @OptionGroup var place: InstanceOptions

    @Option(help: "The path of the control socket, instead of an instance's.", completion: .file())
    var socket: String?

    func validate() throws {
        if place.user, socket != nil { throw ValidationError("--user and --socket exclude each other") }
        if place.instance != nil, socket != nil { throw ValidationError("name an instance or a socket, not both") }
        if socket == "" { throw ValidationError("a socket is the path of one") }
    }

    var instance: String? { place.instance }

    /// The one that is named; nil when none is.
    var named: Instance? {
        if let socket { return Instance.at(socket: socket, userDirectory: InstanceSearch.userDirectory) }
        return place.named
    }

    /// The one that is named, else the only one that runs, else the only one that is set up.
    func choose() throws(Failure) -> Instance { try Self.choose(named) }

    fileprivate static func choose(_ named: Instance?) throws(Failure) -> Instance {
        if let instance = try chosen(named) { return instance }
        let expected = ExpectedInstances.find()
        return expected.count == 1
            ? expected[0] : InstanceSearch.of(.system, nil)
    }

    /// The one that is named, or else the only one that runs.
    func chooseRunning() throws(Failure) -> Instance {
        if let instance = try Self.chosen(named) { return instance }
        throw Failure.noneRuns
    }

    private static func chosen(_ named: Instance?) throws(Failure) -> Instance? {
        if let named { return named }
        let running = InstanceSearch.running()
        guard running.count < 2 else { throw Failure(FailureText.several(running), status: .usage) }
        return running.first
    }
}

/// For the commands that print something.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print the reply as JSON, one object a line, by the fields of org.wstan.control.")
    var json = false
}

/// A daemon that is talked to.
struct DaemonClient {
    let instance: Instance

    /// How long a daemon may take for what it knows by heart.
    static let patience: Duration = .seconds(5)

    init(_ options: DaemonOptions) throws(Failure) {
        instance = try options.chooseRunning()
    }

    init(_ instance: Instance) {
        self.instance = instance
    }

    func call<Method: ControlMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters, timeout: Duration = .seconds(60)
    ) throws(Failure) -> Method.Reply {
        do throws(ControlConnection.Failure) {
            return try exchange(method, parameters, timeout: timeout)
        } catch {
            throw Failure(error, of: instance, needing: Method.right)
        }
    }

    /// The same, for a command that has words of its own for a failure.
    func exchange<Method: ControlMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters, timeout: Duration = .seconds(60)
    ) throws(ControlConnection.Failure) -> Method.Reply {
        try ControlConnection(to: instance.socket).call(method, parameters, timeout: timeout)
    }

    func status() throws(Failure) -> GetStatus.Reply {
        try call(GetStatus.self, .init(), timeout: Self.patience)
    }

    func begin<Method: ControlMethod>(
        _ method: Method.Type, _ parameters: Method.Parameters
    ) throws(Failure) -> Conversation<Method> {
        do throws(ControlConnection.Failure) {
            return Conversation(try ControlConnection(to: instance.socket).callMore(method, parameters), with: instance)
        } catch {
            throw Failure(error, of: instance, needing: Method.right)
        }
    }
}

/// A call that is answered more than once.
struct Conversation<Method: ControlMethod> {
    private var replies: ControlConnection.Replies<Method>
    private let instance: Instance

    init(_ replies: ControlConnection.Replies<Method>, with instance: Instance) {
        self.replies = replies
        self.instance = instance
    }

    var connection: ControlConnection { replies.connection }

    /// For `poll`. What has come already may be held, so ask `waiting` first.
    var descriptor: Int32 { replies.connection.descriptor }

    /// Waits for the next reply; nil after the last.
    mutating func next(timeout: Duration? = nil) throws(Failure) -> Method.Reply? {
        do throws(ControlConnection.Failure) {
            return try replies.next(timeout: timeout)
        } catch {
            throw failure(error)
        }
    }

    func failure(_ error: ControlConnection.Failure) -> Failure { Failure(error, of: instance, needing: Method.right) }

    enum Waiting {
        case reply(Method.Reply)
        case nothing
        case over
    }

    /// Waits for nothing.
    mutating func waiting() throws(Failure) -> Waiting {
        do throws(ControlConnection.Failure) {
            return try replies.next(timeout: .zero).map { .reply($0) } ?? .over
        } catch {
            if error == .timedOut { return .nothing }
            throw failure(error)
        }
    }
}
