import Testing

@testable import WstanConfig

@Suite struct ConfigInstanceTests {
    static let systemd = ["STATE_DIRECTORY": "/s/wstan:/s/other", "RUNTIME_DIRECTORY": "/r/wstand"]

    @Test(
        arguments: [
            (nil, nil, nil), ("/etc/wstan.conf", "/var/lib/wstan", "/run/wstand/control"),
            ("/etc/wstan/office.conf", "/var/lib/wstan/office", "/run/wstand-office/control"),
            ("/home/anna/wstan.conf", nil, nil), ("wstan.conf", nil, nil), ("/etc/wstan/a/b.conf", nil, nil),
            ("/etc/wstan/.conf", nil, nil), ("/etc/wstan/a\n.conf", nil, nil), ("/etc/wstan/..conf", nil, nil),
            ("/etc/wstan/wstan.ini", nil, nil),
        ] as [(String?, String?, String?)])
    func `the path of the file says where an instance keeps its own`(
        file: String?, state: String?, socket: String?
    ) {
        let places = InstancePlaces(file: file) { _ in nil }
        #expect(places.stateDirectory == state)
        #expect(places.controlSocket == socket)
    }

    @Test func `what systemd has made counts instead, but not for a bare command line`() {
        for file in ["/etc/wstan.conf", "/etc/wstan/office.conf", "/home/anna/wstan.conf"] {
            let places = InstancePlaces(file: file) { Self.systemd[$0] }
            #expect(places.stateDirectory == "/s/wstan")
            #expect(places.controlSocket == "/r/wstand/control")
        }
        #expect(InstancePlaces(file: nil) { Self.systemd[$0] } == InstancePlaces())
    }

    @Test(arguments: ["", "relative", ":/s", "/s\n"])
    func `a variable that names no directory counts for nothing`(value: String) {
        let places = InstancePlaces(file: "/etc/wstan.conf") { _ in value }
        #expect(places == InstancePlaces(file: "/etc/wstan.conf") { _ in nil })
    }

    @Test func `a socket whose path would be too long is none`() {
        let long = "/" + String(repeating: "x", count: 200)
        #expect(InstancePlaces(file: "/etc/wstan.conf") { _ in long }.controlSocket == nil)
        #expect(InstancePlaces(file: "/etc/wstan\(long).conf") { _ in nil }.controlSocket == nil)
    }

    @Test func `the file and the command line say otherwise`() throws {
        var fixture = ConfigFixture()
        let file =
            ConfigFixture.minimal + "state-directory = /a\nlog-format = JSON\n[control]\nsocket = none\ngroup = ops\n"
        fixture.files["/etc/wstan.conf"] = Array(file.utf8)
        let settings = try fixture.run(["-i", "/etc/wstan.conf"]).settings
        #expect(settings.stateDirectory == "/a")
        #expect(settings.logFormat == .json)
        #expect(settings.controlSocket == nil)
        #expect(settings.controlGroup == "ops")
        let other = try fixture.run([
            "-i", "/etc/wstan.conf", "--state-directory=NONE", "--log-format=journal", "--control-socket=/c",
            "--control-group=0",
        ]).settings
        #expect(other.stateDirectory == nil)
        #expect(other.logFormat == .journal)
        #expect(other.controlSocket == "/c")
        #expect(other.controlGroup == "0")
    }

    @Test func `the environment reaches the settings`() throws {
        var fixture = ConfigFixture(file: ConfigFixture.minimal)
        fixture.variables = Self.systemd
        let settings = try fixture.run().settings
        #expect(settings.stateDirectory == "/s/wstan")
        #expect(settings.controlSocket == "/r/wstand/control")
        let bare = try fixture.run(["ws://h", "--key-file=f"]).settings
        #expect(bare.stateDirectory == nil)
        #expect(bare.controlSocket == nil)
    }

    @Test(arguments: [
        ("state-directory = var", "begins at the root"), ("[control]\nsocket = unix:/x", "begins at the root"),
        ("[control]\ngroup = a b", "one group"), ("[control]\ngroup = 4294967295", "one group"),
        ("[control]\ngroup = -x", "one group"), ("log-format = xml", "takes auto, text, json or journal"),
        ("[control]\nsocket = /" + String(repeating: "x", count: 107), "longer than 107 bytes"),
    ])
    func `a value that is none is an error with its bounds`(line: String, part: String) {
        let complaints = ConfigFixture(file: ConfigFixture.minimal + line + "\n").complaints()
        #expect(complaints.count == 1)
        #expect(complaints.first?.contains(part) == true, "\(complaints)")
    }
}
