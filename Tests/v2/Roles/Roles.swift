// One role of version 2 as a program, for Tests/v2/peer: the kit's own client or server, with a key string and nothing
// else of a configuration.
//
//   wstan-roles server KEY [PLAIN]             serves; PLAIN: a key of version 1, taken as well
//   wstan-roles client KEY PORT [CARRIER]      is a SOCKS proxy; its server is at PORT
//
// It listens on a free port of 127.0.0.1, says which on the first line, and ends when its input does.
import Glibc
import Logging

@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

@main
enum Roles {
    static func main() {
        let words = CommandLine.arguments
        guard words.count >= 3, let key = try? KeyString(text: words[2]) else {
            leave("usage: wstan-roles server|client KEY ...")
        }
        signal(SIGPIPE, SIG_IGN)
        do {
            let worker = try Worker(index: 0, memoryLimit: 1 << 30)
            let serve: (Acceptor.Arrival) -> Void
            switch words[1] {
            case "server": serve = try server(key, words.dropFirst(3).first, on: worker)
            case "client": serve = try client(key, Array(words.dropFirst(3)), on: worker)
            default: leave("neither server nor client, but \(words[1])")
            }
            let box = Box(serve: serve)
            worker.execute { listen(box, on: worker) }
            endWithInput()
            worker.run()
        } catch {
            leave("\(error)")
        }
    }

    private struct Box: @unchecked Sendable {
        let serve: (Acceptor.Arrival) -> Void
    }

    private static func listen(_ box: Box, on worker: Worker) {
        do throws(SystemError) {
            let address = SocketAddress.ipv4(IPv4Address(0x7f00_0001), port: 0)
            let listener = try Listener(address, on: worker, dealingTo: [worker]) { event in
                if case .accepted(let arrival) = event { box.serve(arrival) }
            }
            print(listener.address.port)
            fflush(nil)
            // For as long as the process.
            _ = Unmanaged.passRetained(listener)
        } catch {
            leave("\(error)")
        }
    }

    private static func server(
        _ key: KeyString, _ plain: String?, on worker: Worker
    ) throws -> (Acceptor.Arrival) -> Void {
        guard let serverKey = key.serverKey, let userKey = key.userKey else { leave("the key is not for both ends") }
        var options = ServerOptions(keys: plain.flatMap { Key(text: $0) }.map { [$0] } ?? [])
        options.identity = ServerIdentity(
            keys: LiveServerKeys(current: serverKey), realm: key.realm,
            users: try UserRing([RingUser(name: .configured, key: userKey)]))
        options.allowPrivate = true
        let service = ServerService(
            worker: worker, options: options, shared: ServerShared(replayGuard: ReplayGuard()),
            resolver: Resolver(pool: BlockingPool()), log: log)
        return { service.serve($0) }
    }

    private static func client(_ key: KeyString, _ words: [String], on worker: Worker) throws -> (Acceptor.Arrival) ->
        Void
    {
        guard let credentials = ClientHandshakeV2.Credentials(key), let port = words.first.flatMap({ UInt16($0) })
        else {
            leave("no key of a client, or no port")
        }
        let address = Address(host: .ipv4(IPv4Address(0x7f00_0001)), port: port)
        let server = ServerEndpoint(address: address, name: address.host, hostHeader: "front.test", pathPrefix: "/x/")
        var options = ClientOptions(servers: [server], key: Key.random())
        options.identity = ClientIdentity(credentials: credentials)
        if let carrier = words.dropFirst().first.flatMap({ RequestCarrier(rawValue: $0) }) {
            options.identity?.carrier = carrier
        }
        options.earlyReply = false
        let service = ClientService(
            worker: worker, options: options, resolver: Resolver(pool: BlockingPool()),
            passwords: PasswordChecks(threads: BlockingPool()), failures: RecentFailures(), log: log)
        worker.execute { service.start() }
        return { service.serve($0) }
    }

    /// Ends the process when its parent has nothing more to say.
    private static func endWithInput() {
        let failure = DetachedThread.start {
            var byte: UInt8 = 0
            while read(STDIN_FILENO, &byte, 1) > 0 {}
            _exit(0)
        }
        if let failure { leave("\(failure)") }
    }

    private static let log = EventLog(Logger(label: "wstan-roles") { StreamLogHandler.standardError(label: $0) })

    static func leave(_ text: String) -> Never {
        let line = "wstan-roles: \(text)\n"
        write(STDERR_FILENO, line, line.utf8.count)
        _exit(1)
    }
}
