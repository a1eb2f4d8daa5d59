@testable import WstanBase
@testable import WstanConfig
@testable import WstanCore

extension FuzzTarget {
    /// What a SOCKS5 proxy says, in pieces as at once: never more is sent than was asked for.
    static let socks5Passage = FuzzTarget(
        "socks5-passage",
        seeds: [
            [1, 2, 3, 4, 5, 5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 5, 0, 5, 0, 0, 3, 1, 97, 0, 80],
            [1, 9, 9, 9, 9, 5, 255], [0, 9, 9, 9, 9, 5, 0, 5, 5],
        ], maxLength: 600
    ) { input in
        let credentials = input.flag() ? Socks5Client.Credentials(user: [65], password: [66, 67]) : nil
        let cuts = input.cuts()
        let bytes = input.rest()
        _ = keptPromise(of: { (reader) throws(Socks5Client.Failure) in try Socks5Client.readMethod(&reader) }, bytes)
        _ = keptPromise(
            of: { (reader) throws(Socks5Client.Failure) in try Socks5Client.readAuthenticationStatus(&reader) }, bytes)
        _ = keptPromise(of: { (reader) throws(Socks5Client.Failure) in try Socks5Client.readReply(&reader) }, bytes)
        let atOnce = passage(credentials, Cuts.none.pieces(of: bytes))
        let inPieces = passage(credentials, cuts.pieces(of: bytes))
        require(atOnce == inPieces, "the same in pieces as at once")
        require(atOnce.sent.count <= 2, "one request, and name and password before it")
        require(!atOnce.isSent || atOnce.failure == nil, "through or not")
    }

    private struct PassageOutcome: Equatable {
        var sent: [[UInt8]] = []
        var isSent = false
        var failure: Socks5Client.Failure?
    }

    private static func passage(_ credentials: Socks5Client.Credentials?, _ pieces: [[UInt8]]) -> PassageOutcome {
        var machine = Socks5ClientMachine(to: Address(host: .name("a.test"), port: 80), credentials)
        var outcome = PassageOutcome()
        var held: [UInt8] = []
        for piece in pieces {
            held += piece
            while !outcome.isSent, outcome.failure == nil {
                var used = 0
                do throws(Socks5Client.Failure) {
                    let action = try held.withBytes { (bytes) throws(Socks5Client.Failure) in
                        var reader = ByteReader(bytes)
                        defer { used = reader.position }
                        return try machine.received(&reader)
                    }
                    held.removeFirst(used)
                    switch action {
                    case .send(let bytes): outcome.sent.append(bytes)
                    case .pass: outcome.isSent = true
                    case .waitForMore: require(used == 0, "what is used brings something about")
                    }
                    if action == .waitForMore { break }
                } catch {
                    outcome.failure = error
                }
            }
        }
        return outcome
    }

    /// What an HTTP proxy says about who may pass.
    static let proxyAnswer = FuzzTarget(
        "proxy-answer",
        seeds: ["Basic realm=\"x\"", "NTLM, Negotiate", "Digest a=\"b, c\", Basic"].map { Array($0.utf8) }
    ) { input in
        let field = input.rest().filter { $0 != 10 && $0 != 13 && $0 != 0 }
        guard
            let head = try? HTTPHead(
                Array("HTTP/1.1 407 No\r\nProxy-Authenticate: ".utf8) + field + [13, 10, 13, 10])
        else { fatalError("broken promise: a field is one") }
        let names = AuthenticationSchemes.offered(by: head, in: "Proxy-Authenticate")
        require(names.count <= 8, "bounded")
        let visible = names.joined().utf8.allSatisfy { (0x21...0x7e).contains($0) }
        require(visible && names.allSatisfy { (1...20).contains($0.utf8.count) }, "names are short and visible")
    }

    /// Whatever the environment holds, a server on this host is reached straight.
    static let proxyEnvironment = FuzzTarget(
        "proxy-environment",
        seeds: ["http://u:p@h:1\0a.test,.b,[::1]:80,10.0.0.0/8", "socks5://h\0*", "h:1\0a.test:80"].map {
            Array($0.utf8)
        }
    ) { input in
        let parts = input.text().split(separator: "\0", maxSplits: 1, omittingEmptySubsequences: false)
        let environment = ProxyEnvironment { name in
            switch name {
            case "HTTPS_PROXY": parts.first.map { String($0) }
            case "NO_PROXY": parts.dropFirst().first.map { String($0) }
            default: nil
            }
        }
        require(
            environment.choice(for: Address(host: .name("localhost"), port: 80)) == .straight, "this host is near")
        let servers = [Host.name("a.test"), .ipv4(IPv4Address(0x0a00_0001)), .ipv6(IPv6Address(high: 1, low: 1))]
        for host in servers { _ = environment.choice(for: Address(host: host, port: 80)) }
    }

    /// Servers that fail, answer, are silent: everybody is in the order once, and who is out comes back.
    static let serverList = FuzzTarget(
        "server-list", seeds: [[3, 0, 0, 4, 0, 0, 5, 200, 6, 0, 7, 0, 0, 0, 1, 0, 2, 0], [1, 0, 0, 3, 0, 5, 9, 6, 0]]
    ) { input in
        let count = 1 + input.below(4)
        var machine = ServerListMachine(count: count)
        var now = Instant(nanoseconds: 1)
        var pending = Array(repeating: 0, count: count)
        var probing: Set<Int> = []
        while !input.isOver {
            let event = input.below(8)
            let number = input.below(count)
            switch event {
            case 0:
                machine.began(number, now)
                pending[number] += 1
                require(machine.patienceEnds(number, now) <= now + ServerListMachine.patience, "no longer than that")
            case 1, 2, 3, 4:
                guard pending[number] > 0 else { break }
                pending[number] -= 1
                switch event {
                case 1: machine.connected(number, now)
                case 2: _ = machine.accepted(number, now)
                case 3: machine.gaveUp(number)
                default: machine.failed(number, looksRestarting: input.flag(), now)
                }
            case 5:
                now = now + .milliseconds(Int(input.byte()) * 250)
            case 6:
                for probe in machine.takeProbes(now) { probing.insert(probe) }
                require(machine.nextProbe.map { $0 > now } ?? true, "who looks again finds something")
            default:
                if probing.remove(number) != nil { machine.probed(number, works: input.flag(), now) }
            }
            require(machine.order(now).sorted() == Array(0..<count), "everybody once")
            require(machine.isWanted(0), "nobody is preferred to the first")
            if let next = machine.nextProbe {
                require(next <= now + ServerListMachine.longestPause, "nobody is out for longer")
            }
        }
    }
}
