/// The effective value of a setting in the words of the file. What must not be shown is not in them, and yet two values
/// that differ only in it are not equal.
struct SettingText: Equatable {
    /// One for each line that the key takes; empty: there is no value.
    var lines: [String]
    private var secrets: [Secret] = []

    private init(_ lines: [String], hiding secrets: [Secret] = []) {
        self.lines = lines
        self.secrets = secrets
    }

    private init(_ line: String?) {
        self.init(line.map { [$0] } ?? [])
    }

    /// `listen` is that of the settings' mode; the other one's is not among them.
    init(of kind: SettingKind, in settings: Settings) {
        switch kind {
        case .mode: self.init(settings.mode.rawValue)
        case .uri: self.init(settings.uris.map(\.description))
        case .key: self.init(key: settings.key)
        case .keyFile: self.init(Self.keyFile(settings.key))
        case .listen(let mode): self.init(mode == settings.mode ? settings.listen.map(\.description) : [])
        case .logLevel: self.init(settings.logLevel.rawValue)
        case .logFormat: self.init(settings.logFormat.rawValue)
        case .proxy: self.init(proxy: settings.proxy)
        case .connectTo: self.init(settings.connectTo?.description)
        case .hostHeader: self.init(settings.hostHeader)
        case .headers:
            self.init(
                settings.headers.map { "\($0.name): \(Secret.placeholder)" },
                hiding: settings.headers.map { Secret($0.value) })
        case .users: self.init(settings.allowUID.map(\.description))
        case .plainAnswer:
            switch settings.plainAnswer {
            case .status(let status): self.init(String(status.rawValue))
            }
        case .networks(let path): self.init(settings[keyPath: path].words)
        case .targets(let path, _): self.init(settings[keyPath: path].map(\.description))
        case .path(let path): self.init(settings[keyPath: path])
        case .place(let path, _): self.init(settings[keyPath: path] ?? "none")
        case .group(let path): self.init(settings[keyPath: path])
        case .pins: self.init(settings.tls.pins.map { "sha256/" + Base64.encode($0) })
        case .serverName: self.init(settings.tls.sni)
        case .flag(let path): self.init(settings[keyPath: path] ? "yes" : "no")
        case .count(let path, _): self.init(String(settings[keyPath: path]))
        case .size(let path, _): self.init(Quantity.text(ofBytes: settings[keyPath: path]))
        case .duration(let path, _): self.init(Quantity.text(of: settings[keyPath: path]))
        case .automaticCount(let path, _): self.init(settings[keyPath: path].map { String($0) } ?? "auto")
        case .automaticSize(let path, _):
            self.init(settings[keyPath: path].map { Quantity.text(ofBytes: $0) } ?? "auto")
        }
    }

    private init(key: KeySource) {
        switch key {
        case .text(let secret): self.init([Secret.placeholder], hiding: [secret])
        case .file, .environment, .credential: self.init([])
        }
    }

    private static func keyFile(_ key: KeySource) -> String? {
        switch key {
        case .text: nil
        case .file(let path): path
        case .environment(let name): "env:\(name)"
        case .credential(let name): "credential:\(name)"
        }
    }

    private init(proxy: ProxyChoice) {
        switch proxy {
        case .none: self.init("none")
        case .automatic: self.init("auto")
        case .through(let proxy): self.init([proxy.words], hiding: proxy.password.map { [$0] } ?? [])
        }
    }
}

extension LocalUser: CustomStringConvertible {
    public var description: String {
        switch self {
        case .number(let number): String(number)
        case .name(let name): name
        }
    }
}

extension TrustedProxies {
    /// As they would stand in the file, one in each line.
    fileprivate var words: [String] {
        if self == .none { return ["none"] }
        return self == .loopback ? ["loopback"] : networks.map(\.description)
    }
}

extension TargetPattern: CustomStringConvertible {
    public var description: String {
        let colonAndPorts =
            if ports == Self.everyPort { "" } else if ports.count == 1 { ":\(ports.lowerBound)" } else {
                ":\(ports.lowerBound)-\(ports.upperBound)"
            }
        switch host {
        case .any: return "*" + colonAndPorts
        case .isPrivate: return "private" + colonAndPorts
        case .network(.ipv4(let address, let prefix)): return "\(address)/\(prefix)" + colonAndPorts
        case .network(.ipv6(let address, let prefix)):
            return colonAndPorts.isEmpty ? "\(address)/\(prefix)" : "[\(address)/\(prefix)]" + colonAndPorts
        case .name(let name, let includesItself): return (includesItself ? "" : "*.") + name + colonAndPorts
        }
    }
}

extension ProxyAddress {
    /// With the user's name, and the placeholder for the password.
    fileprivate var words: String {
        guard let user else { return description }
        let password = password == nil ? "" : ":\(Secret.placeholder)"
        return "\(scheme.rawValue)://\(PercentEncoding.encode(user))\(password)@\(HostPort.bracketed(host)):\(port)"
    }
}

extension PercentEncoding {
    /// All but the unreserved characters of RFC 3986 section 2.3.
    static func encode(_ text: String) -> String {
        var result: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.append(byte)
            default: result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

extension Quantity {
    /// In the largest unit that leaves a whole number, from MiB on: small sizes are easier to read in bytes.
    static func text(ofBytes bytes: Int) -> String {
        for (unit, size) in [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20)] where bytes >= size {
            if bytes.isMultiple(of: size) { return "\(bytes / size)\(unit)" }
        }
        return String(bytes)
    }

    /// In seconds if they are whole, else in a smaller unit.
    static func text(of duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds == 0 { return "\(seconds)s" }
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        return microseconds.isMultiple(of: 1_000) ? "\(microseconds / 1_000)ms" : "\(microseconds)us"
    }
}
