@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

extension FuzzTarget {
    /// Each line is a user or a warning with its place, and a file without a user is refused; written again, the users are
    /// the same.
    static let usersFile = FuzzTarget(
        "users-file",
        seeds: [
            Array(("a:$5$rounds=1000$abcdefgh$" + String(repeating: "x", count: 43) + "\n# b\nc:secret\n").utf8),
            Array(("\r\n b :$2y$04$" + String(repeating: ".", count: 53)).utf8),
        ]
    ) { input in
        let bytes = input.rest()
        do throws(UsersFile.Failure) {
            let file = try UsersFile(bytes, path: "u")
            require(!file.users.isEmpty, "a user may use the client")
            require(file.warnings.allSatisfy { $0.severity == .warning }, "with an error it is refused")
            var text: [UInt8] = []
            for user in file.users { text += user.name + [58] + Array(user.hash.utf8) + [10] }
            let isPlain = file.users.allSatisfy { $0.name.first != 35 && $0.name.first != 32 }
            if isPlain, !text.starts(with: [0xEF, 0xBB, 0xBF]) {
                let again = try? UsersFile(text, path: "u")
                require(again?.users == file.users && again?.warnings == [], "what is read is written and read")
            }
        } catch {
            require(error.diagnostics.contains { $0.severity == .error }, "a refusal has a cause")
            require(error.diagnostics.count <= 101, "and not too many of them")
        }
    }

    static let proxyAuthorization = FuzzTarget(
        "proxy-authorization",
        seeds: [Array("Basic YTpi".utf8), Array("basic  YTpiOmM=".utf8), Array("Digest a=b".utf8)],
        maxLength: 300
    ) { input in
        let value = input.rest()
        let bytes = Array("GET http://a/ HTTP/1.1\r\nProxy-Authorization: ".utf8) + value + [13, 10, 13, 10]
        guard let head = try? HTTPHead(bytes), let read = ProxyAuthorization(head) else { return }
        require(!read.name.contains(58), "a name has no colon")
        let pair = Base64.encode(read.name + [58] + read.password)
        require(String(decoding: value, as: UTF8.self).contains(pair), "base64 of it stands there")
    }

    /// The user agent is told once, and a server is what it has shown.
    static let grantMachine = FuzzTarget(
        "grant-machine", seeds: [[0], [2, 1], [1, 2, 0], [3, 0], [4, 1], [5, 1, 2, 6, 1]], maxLength: 64
    ) { input in
        var machine = DeferredReplyMachine()
        var told = 0
        var hasAnswered = false
        while !input.isOver {
            let action: DeferredReplyMachine.Action
            switch input.below(7) {
            case 0:
                hasAnswered = true
                action = machine.serverAnswered()
            case 1: action = machine.receivedData()
            case 2: action = machine.timePassed()
            case 3: action = machine.receivedReset(.normal)
            case 4: action = machine.receivedReset(.forbidden(key: "deny"))
            case 5: action = machine.failed(.lost)
            default:
                machine.startedOver()
                hasAnswered = false
                continue
            }
            if action != .nothing { told += 1 }
            require(told == 1, "told once, by the first event")
            require((machine.state == .granted) != (machine.state == .refused), "one way or the other")
            if hasAnswered { require(machine.behaviour == .tells, "who answers tells") }
            if case .refuse = action { require(machine.state == .refused, "refused") }
        }
    }
}
