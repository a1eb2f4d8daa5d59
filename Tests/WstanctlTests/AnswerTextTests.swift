import ArgumentParser
import Testing
import WstanControl

@testable import wstanctl

/// What is said of keys, orders and failures, word for word.
@Suite struct AnswerTextTests {
    private static let now = 1_800_000_000_000_000

    private static let keys: [Control.Key] = [
        .init(
            name: "default", id: "0123456789abcdef", state: .current, source: .state, createdTimestampUSec: now - 86_400_000_000,
            uses: 3, lastUseTimestampUSec: now - 4_000_000),
        .init(
            name: "default", id: "fedcba9876543210", state: .previous, source: .configuration,
            retireTimestampUSec: now + 7_200_000_000, uses: 12, lastUseTimestampUSec: now - 10_800_000_000),
    ]

    @Test func `the keys, and the old one that is not used`() {
        #expect(
            KeyTable.table(Self.keys, now: Self.now, manner: Manner()).joined(separator: "\n") == """
                NAME     KIND  ID                STATE     FROM             MADE  ENDS IN  USES  LAST USED
                default  v1    0123456789abcdef  current   state          1d ago        -     3     4s ago
                default  v1    fedcba9876543210  previous  configuration       -       2h    12     3h ago

                default has not used fedcba9876543210 for 3h. To stop accepting it: wstanctl retire-key fedcba9876543210
                """)
        var keys = Self.keys
        keys[1].lastUseTimestampUSec = Self.now - 60_000_000
        #expect(KeyTable.table(keys, now: Self.now, manner: Manner()).count == 3)
        keys[1].lastUseTimestampUSec = nil
        keys[0].uses = 0
        #expect(KeyTable.table(keys, now: Self.now, manner: Manner()).count == 3)
    }

    /// No column is cut through: one that has no room is left out.
    @Test func `keys and instances fit a narrow terminal`() {
        let rows = KeyTable.table(Self.keys, now: Self.now, manner: Manner(width: 45)).prefix(3)
        #expect(
            rows.joined(separator: "\n") == """
                NAME     KIND  ID                STATE
                default  v1    0123456789abcdef  current
                default  v1    fedcba9876543210  previous
                """)
        #expect(
            KeyTable.table(Self.keys, now: Self.now, manner: Manner(width: 64))[0]
                == "NAME     KIND  ID                STATE     ENDS IN  LAST USED")
        var named = Self.keys
        named[1].name = "the-laptop-in-the-kitchen"
        #expect(
            KeyTable.table(named, now: Self.now, manner: Manner(width: 80)).joined(separator: "\n") == """
                NAME       KIND  ID                STATE     FROM       ENDS IN  USES  LAST USED
                default    v1    0123456789abcdef  current   state            -     3     4s ago
                the-lapt…  v1    fedcba9876543210  previous  configur…       2h    12     3h ago
                """)
        let line = InstanceLine(Instance(name: "home", manager: .user, below: "/run/user/1000"), status: nil)
        #expect(
            InstanceLine.table([line], manner: Manner(width: 45)).joined(separator: "\n") == """
                UNIT                MODE  STATE
                wstand@home (user)  -     does not answer
                """)
    }

    @Test func `a key is meant by its id, or by a name that has no other`() throws {
        #expect(try KeyNames.id(meantBy: "fedcba9876543210", among: Self.keys) == "fedcba9876543210")
        #expect(try KeyNames.id(meantBy: "default", among: [Self.keys[0]]) == "0123456789abcdef")
        #expect(try KeyNames.id(meantBy: "nobody", among: Self.keys) == "nobody")
        #expect(try KeyNames.id(meantBy: "default", among: []) == "default")
        let failure = Failure(
            "default has several keys. Give the ID of one: 0123456789abcdef (v1, current), fedcba9876543210 (v1, previous)",
            status: .usage)
        #expect(throws: failure) { try KeyNames.id(meantBy: "default", among: Self.keys) }
    }

    private static let serverKeys: [Control.Key] = [
        .init(name: "(server)", id: "00000000000000aa", state: .current, source: .state, uses: 0, kind: .server),
        .init(
            name: "(server)", id: "00000000000000bb", state: .previous, source: .configuration,
            retireTimestampUSec: now + 7_200_000_000, uses: 0, kind: .server),
    ]

    private static func user(
        _ name: String, usesFormer: Bool, isSeen: Bool = true, state: Control.KeyState = .current
    ) -> Control.Key {
        .init(
            name: name, id: "0000000000000001", state: state, source: .state, createdTimestampUSec: now - 7_200_000_000,
            uses: isSeen ? 1 : 0, lastUseTimestampUSec: isSeen ? now : nil, kind: .v2,
            formerServerKeyTimestampUSec: usesFormer ? now - 60_000_000 : nil)
    }

    @Test func `the list names those that have not moved from the former server key`() {
        let keys =
            Self.serverKeys + [
                Self.user("laptop", usesFormer: true), Self.user("phone", usesFormer: false),
                Self.user("desk", usesFormer: false, isSeen: false),
            ]
        let lines = KeyTable.table(keys, now: Self.now, manner: Manner())
        #expect(lines[1].hasPrefix("(server)  server  00000000000000aa  current "))
        #expect(lines[1].hasSuffix("  -          -") && lines[3].hasSuffix("  1     0s ago"), "\(lines)")
        #expect(
            lines.dropFirst(6) == [
                "", "2 names have not moved from the former server key 00000000000000bb:", "",
                "    laptop, last used it 1min ago", "    desk, not seen yet",
            ])
        let moved = KeyTable.table(Self.serverKeys + [Self.user("phone", usesFormer: false)], now: Self.now, manner: Manner())
        let free =
            "No client needs the former server key 00000000000000bb. To stop accepting it: wstanctl retire-key 00000000000000bb"
        #expect(moved.last == free)
        // A string that was made since the rotation has the current key.
        var server = Self.serverKeys
        server[0].createdTimestampUSec = Self.now - 7_200_000_000
        let added = server + [Self.user("desk", usesFormer: false, isSeen: false)]
        #expect(KeyTable.table(added, now: Self.now, manner: Manner()).last == free)
        server[0].createdTimestampUSec = Self.now - 3_600_000_000
        let waiting = server + [Self.user("desk", usesFormer: false, isSeen: false)]
        #expect(FormerServerKey(among: waiting)?.users.map(\.name) == ["desk"])
        #expect(KeyTable.table([Self.serverKeys[0]], now: Self.now, manner: Manner()).count == 2)
    }

    /// Its string had the former server key; that of the name's current key may have the current one.
    @Test func `a former key of a name counts until the name's current key is used`() {
        func names(_ keys: Control.Key...) -> [String]? {
            FormerServerKey(among: Self.serverKeys + keys)?.users.map(\.name)
        }
        let former = Self.user("laptop", usesFormer: true, state: .previous)
        #expect(names(Self.user("laptop", usesFormer: false), former)?.isEmpty == true)
        #expect(names(Self.user("phone", usesFormer: false), former) == ["laptop"])
        #expect(names(Self.user("laptop", usesFormer: false, isSeen: false), former) == ["laptop"])
        #expect(names(Self.user("laptop", usesFormer: true), former) == ["laptop"])
        #expect(names(former) == ["laptop"])
    }

    @Test func `what is known of a name is told, also by the keys that it had before`() {
        func lines(_ keys: Control.Key...) -> [String] { ServerKeyText.users(among: Self.serverKeys + keys, now: Self.now) }
        let former = Self.user("laptop", usesFormer: true, state: .previous)
        #expect(lines(Self.user("laptop", usesFormer: false, isSeen: false), former).last == "    laptop, last used it 1min ago")
        let elsewhere = Self.user("laptop", usesFormer: false, state: .previous)
        #expect(
            lines(Self.user("laptop", usesFormer: false, isSeen: false), elsewhere).last == "    laptop, only seen with its own former key")
        #expect(
            lines(Self.user("laptop", usesFormer: false), former) == [
                "", "Every name has moved from the former server key 00000000000000bb. To stop accepting it: "
                    + "wstanctl retire-key 00000000000000bb",
                "", "Another device may still have a former key of this name, and needs the new string:", "",
                "    laptop, last used it 1min ago",
            ])
    }

    @Test func `a key that the server refuses is marked`() {
        var key = Self.keys[0]
        key.refusedBy = "accept-v1\u{1B} = no"
        #expect(KeyTable.line(key, now: Self.now).hasPrefix("refused: accept-v1? = no; "))
        #expect(KeyTable.table([key], now: Self.now, manner: Manner())[1].contains("  refused: accept-v1? = no  "))
    }

    @Test func `a rotated server key says who needs a new string, each name once`() {
        let reply = RotateServerKey.Reply(id: "00000000000000aa", persisted: true, formerKeys: [Self.serverKeys[1]])
        let keys = Self.serverKeys + [Self.user("laptop", usesFormer: true), Self.user("laptop", usesFormer: true)]
        #expect(
            ServerKeyText.rotated(reply, keys, grace: 7_200_000_000, now: Self.now).joined(separator: "\n") == """
                The server has a new key (ID 00000000000000aa). The former one is accepted for another 2h.

                Each client of version 2 needs its new string, which this prints:

                    sudo wstanctl client-config --key NAME

                On the client, run this; it asks for the string:

                    sudo wstanctl -i client rotate-key --key-file -

                1 name has not moved from the former server key 00000000000000bb:

                    laptop, last used it 1min ago
                """)
        let many = Self.serverKeys + (0..<30).map { Self.user("d\($0)", usesFormer: true) }
        let lines = ServerKeyText.rotated(reply, many, grace: 1_000_000, now: Self.now)
        #expect(lines.suffix(2) == ["    d19, last used it 1min ago", "    and 10 more: wstanctl keys"])
        let forced = RotateServerKey.Reply(id: "00000000000000aa", persisted: true)
        #expect(ServerKeyText.rotated(forced, [], grace: 0, now: 0)[0].hasSuffix("The former one is no longer accepted."))
    }

    private static let made = "AAECAwQFBgcICQoLDA0ODw=="

    @Test func `a new key comes with what a client needs`() {
        let laptop = NewKey(
            name: "laptop", id: "0123456789abcdef", key: Self.made, clientURI: "wss://a.test/chat/", isGuess: false)
        #expect(
            laptop.added == """
                New key for "laptop" (ID 0123456789abcdef):

                    AAECAwQFBgcICQoLDA0ODw==

                On a new client, run this; it asks for the key:

                    sudo wstanctl init client laptop --uri wss://a.test/chat/

                Or, with the Python wstan and the key in place of KEY:

                    wstan wss://a.test/chat/ KEY

                sudo wstanctl client-config --key laptop prints it again.

                """)
        let given = NewKey(name: "laptop", id: "ab", key: nil, clientURI: nil, isGuess: false)
        #expect(given.added == "New key for \"laptop\" (ID ab).\n")
    }

    @Test func `a new key for a name that has one says so, and what follows`() {
        func added(beside kinds: Control.KeyKind...) -> String {
            let others = kinds.enumerated().map { place, kind in
                Control.Key(name: "laptop", id: "c\(place)", state: .current, source: .state, uses: 0, kind: kind)
            }
            return NewKey(
                name: "laptop", id: "ab", key: Self.made, clientURI: nil, isGuess: false, instance: "wstand", otherKeys: others
            ).added
        }
        #expect(
            added(beside: .v1) == """
                New key for "laptop" (ID ab):

                    AAECAwQFBgcICQoLDA0ODw==

                "laptop" also has a key of version 1, which stays: c0.

                On a client that has it, run this; it asks for the new key:

                    sudo wstanctl -i laptop rotate-key --key-file -

                When wstanctl -i wstand keys shows that the other one is no longer used, end it:

                    sudo wstanctl -i wstand retire-key c0

                sudo wstanctl -i wstand client-config --key laptop prints it again.

                """)
        let several = added(beside: .v1, .v1)
        #expect(several.contains("\"laptop\" also has keys of version 1, which stay: c0, c1.\n"))
        #expect(
            several.contains(
                """
                When wstanctl -i wstand keys shows that the others are no longer used, end them:

                    sudo wstanctl -i wstand retire-key c0
                    sudo wstanctl -i wstand retire-key c1

                sudo wstanctl -i wstand client-config --key laptop prints it again.

                """))
        let later = added(beside: .v2)
        #expect(later.contains("\"laptop\" also has a key of version 2, which stays: c0.\n") && !later.contains("rotate-key"))
    }

    @Test func `a client's new key names the one that it replaces, and the way back`() {
        let key = NewKey(name: nil, id: "ab", key: nil, clientURI: nil, isGuess: false, replacedKey: "cd\u{1B}")
        #expect(
            key.rotated(grace: 86_400_000_000, now: 0) == """
                New key for "default" (ID ab).

                It replaces the key with the ID cd?, which is not kept. wstanctl status shows whether the server accepts the
                new one. If it does not, run this again with the key that the server has for this client; there, this prints it:

                    sudo wstanctl client-config --key NAME

                """)
    }

    @Test func `a rotated key says what becomes of the old one`() {
        let key = NewKey(name: nil, id: "ab", key: Self.made, clientURI: "ws://192.0.2.7:8080/", isGuess: true)
        #expect(
            key.rotated(grace: 86_400_000_000, now: 0) == """
                New key for "default" (ID ab):

                    AAECAwQFBgcICQoLDA0ODw==

                The old key is accepted for another 1d. On a client that has it, run this; it asks for the new key:

                    sudo wstanctl -i client rotate-key --key-file -

                On a new client, run this; it asks for the key:

                    sudo wstanctl init client client --uri ws://192.0.2.7:8080/

                Or, with the Python wstan and the key in place of KEY:

                    wstan ws://192.0.2.7:8080/ KEY

                192.0.2.7 is this host's own address. If clients use another one, set it:

                    sudo wstanctl init server --address NAME

                sudo wstanctl client-config prints it again.

                """)
        var named = key
        named.instance = "wstand"
        #expect(named.rotated(grace: 0, now: 0).hasSuffix("\nsudo wstanctl -i wstand client-config prints it again.\n"))
        #expect(key.rotated(grace: 0, now: 0).contains("\nThe old key is no longer accepted. On a client"))
        #expect(
            NewKey(name: nil, id: "ab", key: nil, clientURI: nil, isGuess: false).rotated(grace: 0, now: 0)
                == "New key for \"default\" (ID ab).\n")
    }

    @Test func `a rotation names the former keys that are still accepted, with their ends`() {
        var key = NewKey(name: nil, id: "ab", key: Self.made, clientURI: nil, isGuess: false)
        func former(_ id: String, _ end: Int) -> Control.Key {
            .init(name: "default", id: id, state: .previous, source: .state, retireTimestampUSec: end, uses: 0)
        }
        let line = "Former keys that are accepted:"
        key.formerKeys = []
        #expect(!key.rotated(grace: 0, now: 0).contains(line))
        key.formerKeys = [former("cd", 7_200_000_000)]
        #expect(!key.rotated(grace: 7_200_000_000, now: 0).contains(line))
        let list = "\n\nFormer keys that are accepted:\n\n    cd, ends in 2h\n"
        #expect(key.rotated(grace: 0, now: 0).contains(list + "\nThe old key is no longer accepted. On a client"))
        key.formerKeys?.append(former("ef\u{1B}", 60_000_000))
        #expect(key.rotated(grace: 7_200_000_000, now: 0).contains(list + "    ef?, ends in 1min\n\nThe old key is accepted"))
        let given = NewKey(name: nil, id: "ab", key: nil, clientURI: nil, isGuess: false, formerKeys: [former("cd", 7_200_000_000)])
        #expect(given.rotated(grace: 7_200_000_000, now: 0) == "New key for \"default\" (ID ab)." + list)
    }

    @Test func `a server on loopback only has no address to print`() {
        let key = NewKey(
            name: nil, id: "ab", key: Self.made, clientURI: "ws://HOST/", isGuess: true, isLoopbackOnly: true)
        #expect(key.added.contains("    wstan ws://HOST/ KEY\n\nThis server listens on loopback only, so clients"))
        #expect(key.added.contains("[server] public-uri") && !key.added.contains("own address"))
    }

    @Test func `a retired key`() {
        #expect(KeyTable.retired("ab", closed: nil) == "Key ab is no longer accepted.")
        #expect(KeyTable.retired("ab", closed: 1) == "Key ab is no longer accepted. 1 tunnel was closed.")
        #expect(KeyTable.retired("ab", closed: 0) == "Key ab is no longer accepted. 0 tunnels were closed.")
    }

    @Test func `a configuration for a client says how else to get there`() {
        let reply = GetClientConfiguration.Reply(
            text: "mode = client\nkey = x\n", key: "x", clientURI: "ws://a.test/", clientURIGuessed: false)
        #expect(
            ClientConfigCommand.text(reply, name: "laptop") == """
                # A client of this server: /etc/wstan/laptop.conf, readable by root and the group wstan only. Or run this on
                # the client, and give it the key when it asks:
                #     sudo wstanctl init client laptop --uri ws://a.test/
                mode = client
                key = x

                """)
        #expect(ClientConfigCommand.text(.init(text: "mode = client\n"), name: nil) == "mode = client\n")
    }

    private static func reload(
        _ changed: [String], _ restart: [String] = [], isDryRun: Bool = false, on instance: Instance = home, width: Int? = nil
    ) -> [String] {
        LifeText.lines(
            .init(changed: changed, requiresRestart: restart), isDryRun: isDryRun, instance, Manner(width: width))
    }

    @Test func `what a reload has done`() {
        #expect(Self.reload([]) == ["No change."])
        #expect(Self.reload([], ["uri"]) == ["No change applied. To apply `uri`: systemctl restart wstand@home"])
        #expect(Self.reload(["log-level", "[server] deny"]) == ["Applied: log-level, [server] deny"])
        #expect(
            Self.reload(["log-level"], ["threads", "uri"], on: Self.own) == [
                "Applied: log-level", "To apply `threads`, `uri`: systemctl --user restart wstand",
            ])
        #expect(Self.reload([], ["uri"], on: Self.elsewhere) == ["No change applied. To apply `uri`: restart it"])
    }

    @Test func `what a reload would do, at 140, 80 and 45 columns`() {
        #expect(Self.reload([], isDryRun: true) == ["A reload would change nothing."])
        #expect(
            Self.reload([], ["uri"], isDryRun: true)
                == ["A reload would apply no change. To apply `uri`: systemctl restart wstand@home"])
        let (changed, restart) = (["log-level", "[server] max-tunnels", "[forward db] (added)"], ["uri", "threads"])
        for width in [140, 80] {
            #expect(
                Self.reload(changed, restart, isDryRun: true, width: width) == [
                    "A reload would apply: log-level, [server] max-tunnels, [forward db] (added)",
                    "To apply `uri`, `threads`: systemctl restart wstand@home",
                ])
        }
        #expect(
            Self.reload(changed, restart, isDryRun: true, width: 45) == [
                "A reload would apply: log-level, [server]", "max-tunnels, [forward db] (added)",
                "To apply `uri`, `threads`: systemctl restart", "wstand@home",
            ])
        let found = [Control.Diagnostic(severity: .error, file: "/etc/wstan.conf", line: 3, column: 7, message: "no such mode")]
        #expect(
            LifeText.wouldFail(found) == """
                a reload would fail; the configuration has errors:
                  /etc/wstan.conf:3:7: error: no such mode
                """)
    }

    @Test func `what a check has found`() {
        #expect(LifeText.lines([], Manner()) == ["The configuration is good."])
        let found = [
            Control.Diagnostic(severity: .error, file: "/etc/wstan.conf", line: 3, column: 7, message: "no such mode"),
            Control.Diagnostic(severity: .warning, message: "a key on the command line"),
        ]
        #expect(
            LifeText.lines(found, Manner()) == ["/etc/wstan.conf:3:7: error: no such mode", "warning: a key on the command line"])
        #expect(
            FailureText.text(.configurationInvalid(found)) == """
                the configuration has errors. Nothing was changed.
                  /etc/wstan.conf:3:7: error: no such mode
                  warning: a key on the command line
                """)
    }

    private static let home = Instance(name: "home", manager: .system, below: "/run")
    private static let own = Instance(name: nil, manager: .user, below: "/run/user/1000")
    private static let elsewhere = Instance(name: nil, socket: "/tmp/x", isElsewhere: true)

    private static let failures: [(ControlConnection.Failure, Instance, String, Int32)] = [
        (.notRunning, home, "no configuration for wstand@home (/etc/wstan/home.conf). Make one: wstanctl init client home", 64),
        (.notRunning, own, "wstand (user) is not running. Start it: systemctl --user start wstand", 3),
        (.notRunning, elsewhere, "wstand is not running: /tmp/x does not answer", 3),
        (.notPermitted, home, "not permitted: use sudo, or add yourself to the group wstan and log in again", 4),
        (.refused(.permissionDenied), home, "not permitted: use sudo, or add yourself to the group wstan and log in again", 4),
        (
            .ended, home,
            "wstand@home closed the connection before it had answered: journalctl -u wstand@home may say why", 1
        ),
        (.timedOut, own, "wstand does not answer: journalctl --user -u wstand may say why", 1),
        (.timedOut, elsewhere, "wstand at /tmp/x does not answer: journalctl -u wstand may say why", 1),
        (.malformed("not\u{7}JSON"), elsewhere, "the answer on /tmp/x is not one of this version of wstand: not?JSON", 1),
        (.tooLong, home, "the message is too long for wstand", 1),
        (.system(call: "socket", code: 24), elsewhere, "cannot talk to /tmp/x: socket: Too many open files", 1),
        (.refused(.noSuchTunnel(id: 7)), home, "there is no tunnel 7. wstanctl tunnels lists them.", 1),
        (.refused(.noSuchKey(id: "x")), home, "there is no key x. wstanctl keys lists names and IDs.", 1),
        (.refused(.keyExists(name: "x")), home, "x already has a key. wstanctl rotate-key x replaces it.", 1),
        (.refused(.invalidKey(message: "it is empty")), home, "it is empty", 1),
        (
            .refused(.keyReadOnly(source: "the file is")), home,
            "the file is. Nothing was changed; --runtime-only changes the key until the next restart.", 1
        ),
        (.refused(.wrongState("client")), home, "wstand is a client. Run this on its server.", 1),
        (.refused(.wrongState("stopping")), home, "wstand is stopping and cannot do that now", 1),
        (.refused(.operationFailed(message: "no room")), home, "no room", 1),
        (
            .refused(.invalidParameter("name")), home,
            "a name of a key has 1 to 64 letters (A-Z, a-z), digits, dots, dashes and underscores", 64
        ),
        (.refused(.invalidParameter("graceUSec")), home, "wstand refuses the value for graceUSec", 64),
        (.refused(.configurationInvalid([])), home, "the configuration has errors. Nothing was changed.", 78),
        (.refused(.methodNotImplemented("a.B")), home, "wstand does not know a.B: its version differs from wstanctl's", 1),
        (.refused(.methodNotFound("a.B")), home, "wstand does not know a.B: its version differs from wstanctl's", 1),
        (.refused(.interfaceNotFound("a")), home, "wstand does not know a: its version differs from wstanctl's", 1),
        (
            .refused(.expectedMore), home, "wstand answers this call more than once: its version differs from wstanctl's", 1
        ),
        (.refused(.other(name: "a.E", .init())), home, "wstand answers a.E, which this wstanctl does not know", 1),
    ]

    @Test(arguments: failures.indices)
    func `failures name the remedy, and have their status`(index: Int) {
        let (failure, instance, text, status) = Self.failures[index]
        #expect(Failure(failure, of: instance) == Failure(text, status: ExitCode(status)))
    }

    @Test func `several instances are listed`() {
        #expect(
            FailureText.several([Instance(name: nil, manager: .system, below: "/run"), Self.home]) == """
                several instances are running. Choose one with -i or --socket:
                  wstand       /run/wstand/control
                  wstand@home  /run/wstand-home/control
                """)
        #expect(FailureText.several([Self.own, Self.home]).contains("\n  wstand (user)  "))
        #expect(FailureText.several([Self.own, Self.home]).hasPrefix("several instances are running. Choose one with -i, --user or --socket:"))
    }
}
