import Testing

@testable import WstanBase
@testable import WstanConfig
@testable import WstanKit

@Suite struct ServiceUnitTests {
    @Test func `sockets that are elsewhere than a listen of its own are a warning`() throws {
        var settings = Settings.standard(.server)
        let sockets = try ListenAddress.list("[::]:443")
        #expect(ListenCheck.finding(of: sockets, insteadOf: settings).level == .ok)
        settings.listen = try ListenAddress.list("127.0.0.1:8080")
        let finding = ListenCheck.finding(of: sockets, insteadOf: settings)
        #expect(finding.level == .warning)
        #expect(finding.text == "listen = 127.0.0.1:8080 is not in force: systemd listens on [::]:443")
        let unit = try #require(Self.unit(["Id": "wstand@home.office.service"]))
        let remedy = try #require(ListenCheck.finding(of: sockets, insteadOf: settings, unit: unit).remedy)
        #expect(remedy.hasPrefix("systemctl disable --now wstand@home.office.socket "))
        #expect(remedy.hasSuffix("then systemctl restart wstand@home.office; or remove listen"))
        settings.listen = try ListenAddress.list("*:443")
        #expect(ListenCheck.finding(of: sockets, insteadOf: settings).level == .ok)
    }

    @Test(
        arguments: [
            ("wss://a/", nil, true), ("wss://a/", "/c", false), ("ws://a/", nil, false),
        ] as [(String, String?, Bool)])
    func `a URI for TLS without a certificate leaves TLS to a front`(uri: String, certificate: String?, leaves: Bool) throws {
        var settings = Settings(mode: .server, uri: try ServerURI(uri), key: .file(""))
        settings.tls.certificate = certificate
        #expect(settings.leavesTLSToFront == leaves && settings.listensByDefault)
        #expect(!settings.trustedProxies.hasOtherHosts && !TrustedProxies.none.hasOtherHosts)
        #expect(try TrustedProxies.read("loopback, 192.0.2.0/24").hasOtherHosts)
    }

    /// As systemd 252 says it.
    private static func shown(
        _ changes: [String: String] = [:], socket: [String] = ["ActiveState=inactive", "UnitFileState=disabled"]
    ) -> String {
        var fields = [
            "Id": "wstand.service", "LoadState": "loaded", "ActiveState": "active", "SubState": "running",
            "Result": "success", "ExecMainStatus": "0", "MainPID": "812", "User": "wstan", "Group": "wstan",
            "SupplementaryGroups": "", "AmbientCapabilities": "", "ProtectHome": "yes", "PrivateTmp": "yes",
            "InaccessiblePaths": "-/run/dbus -/srv +/mnt -+/media /boot",
            "ExecStart": "{ path=/usr/sbin/wstand ; argv[]=/usr/sbin/wstand --config /etc/wstan.conf ; ignore_errors=no }",
        ]
        fields.merge(changes) { $1 }
        let service = fields.map { "\($0)=\($1)" }.joined(separator: "\n")
        let socket = (["Id=wstand.socket", "LoadState=loaded", "Listen=127.0.0.1:443 (Stream)"] + socket)
        return service + "\n\n" + socket.joined(separator: "\n") + "\n"
    }

    private static func unit(_ changes: [String: String] = [:]) -> ServiceUnit? {
        ServiceUnit(shown: shown(changes), running: "/etc/wstan.conf")
    }

    private static func levels(_ unit: ServiceUnit?, _ settings: Settings = .standard(.server)) -> [Finding.Level] {
        unit?.findings(settings).map(\.level) ?? []
    }

    @Test func `what a unit is`() throws {
        let unit = try #require(Self.unit(["SupplementaryGroups": "ssl-cert adm"]))
        #expect(unit.name == "wstand.service" && unit.user == "wstan" && unit.groups == ["wstan", "ssl-cert", "adm"])
        #expect(unit.state == .running(process: 812) && unit.isRunning(812) && !unit.isRunning(813))
        #expect(!unit.mayUseLowPorts && unit.sockets.isEmpty)
        #expect(Self.unit(["AmbientCapabilities": "cap_net_bind_service"])?.mayUseLowPorts == true)
        #expect(Self.unit(["User": ""])?.user == nil)
    }

    @Test func `a unit that is not there, or runs another configuration, is not the one`() {
        #expect(Self.unit(["LoadState": "not-found"]) == nil)
        #expect(ServiceUnit(shown: Self.shown(), running: "/etc/wstan") == nil)
        #expect(ServiceUnit(shown: Self.shown(), running: "/tmp/wstan.conf") == nil)
        #expect(Self.unit(["ExecStart": "{ argv[]=/usr/sbin/wstand --config=/etc/wstan.conf ; x }"]) != nil)
        for text in ["", "\n\n", "Id", "Id=wstand.service", "=\n=", "Id=wstand.socket\nListen=x"] {
            #expect(ServiceUnit(shown: text, running: "/etc/wstan.conf") == nil)
        }
    }

    @Test func `what is examined without a file is the standard one`() {
        func file(_ arguments: String..., own: String? = nil) -> String? {
            let surroundings = Surroundings(
                readFile: { path in
                    guard path == own else { throw ConfigurationFailure([], exitStatus: .usage) }
                    return []
                }, variable: { $0 == "HOME" ? "/h" : nil })
            return ServiceUnit.file(examinedBy: arguments, in: surroundings)
        }
        #expect(file("--doctor") == "/etc/wstan.conf")
        #expect(file("--check-config") == "/etc/wstan.conf")
        #expect(file("--check-config", own: "/h/.config/wstan.conf") == "/h/.config/wstan.conf")
        #expect(file("--doctor", "--config", "/etc/wstan/a.conf") == "/etc/wstan/a.conf")
        #expect(file("--doctor", "--uri", "ws://a.test/") == nil)
        #expect(file("--print-config") == nil)
        #expect(file("--config", "/etc/wstan.conf") == nil)
    }

    @Test func `a failed unit, or one that is restarted after a failure, is a failure`() {
        let failure = ["Result": "exit-code", "ExecMainStatus": "78"]
        for state in [["ActiveState": "failed"], ["ActiveState": "activating", "SubState": "auto-restart"]] {
            let unit = Self.unit(failure.merging(state) { $1 })
            #expect(unit?.state == .failed("exit-code, status 78"))
            #expect(Self.levels(unit) == [.failed(.other)])
            #expect(unit?.findings(.standard(.server)).first?.text == "wstand.service has failed: exit-code, status 78")
        }
        #expect(Self.levels(Self.unit()) == [.ok])
        #expect(Self.levels(Self.unit(["ActiveState": "inactive", "MainPID": "0"])) == [.warning])
        #expect(Self.levels(Self.unit(["ActiveState": "activating", "SubState": "start"])) == [.warning])
    }

    @Test func `a user's unit is started by its user's manager`() throws {
        let stopped = Self.shown(["ActiveState": "inactive", "MainPID": "0"])
        let own = try #require(ServiceUnit(shown: stopped, running: "/etc/wstan.conf", isOfUser: true))
        #expect(own.findings(.standard(.client)).first?.remedy == "start it: systemctl --user enable --now wstand.service")
        let other = ListenObservation(place: "p", state: .elsewhere(["a"], own))
        #expect(other.finding.remedy == "restart it: systemctl --user restart wstand.service")
    }

    @Test func `systemd listens when the socket unit is active or enabled`() {
        for fields in [["ActiveState=active"], ["ActiveState=inactive", "UnitFileState=enabled"]] {
            let lines = fields + ["Listen=[::]:8443 (Stream)", "Listen=/run/w (Stream)", "Listen=0.0.0.0:53 (Datagram)"]
            let unit = ServiceUnit(shown: Self.shown(socket: lines), running: "/etc/wstan.conf")
            #expect(
                unit?.sockets == [
                    .tcp(host: "127.0.0.1", port: 443), .tcp(host: "::", port: 8443), .unix("/run/w"),
                ])
        }
    }

    @Test func `a file that the unit does not see is a failure`() {
        var settings = Settings.standard(.server)
        settings.key = .file("/etc/wstan/key")
        #expect(Self.levels(Self.unit(), settings) == [.ok])
        let hidden = ["/home/anna/key", "/root/key", "/tmp/key", "/run/user/1000/key", "/srv/key", "/mnt/a/key", "/media/key", "/boot/key"]
        for path in hidden {
            settings.key = .file(path)
            #expect(Self.levels(Self.unit(), settings) == [.ok, .failed(.configuration)])
            let open = Self.unit(["ProtectHome": "no", "PrivateTmp": "no", "InaccessiblePaths": ""])
            #expect(Self.levels(open, settings) == [.ok])
        }
        settings.key = .file("/srvkey")
        #expect(Self.levels(Self.unit(), settings) == [.ok])
    }
}
