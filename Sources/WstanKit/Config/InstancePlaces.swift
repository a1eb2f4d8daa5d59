/// Where an instance keeps what is its own, when nothing is said about it.
///
/// What systemd has made for it comes first (StateDirectory= and RuntimeDirectory= of systemd.exec(5)), then what the path
/// of its file says. Any other file's instance has no such places, since it would share them with the one whose they
/// are; nor has a bare command line, which is Python's and leaves nothing behind.
public struct InstancePlaces: Sendable, Equatable {
    public private(set) var stateDirectory: String?
    public private(set) var controlSocket: String?

    /// None.
    public init() {}

    /// - Parameters:
    ///   - file: the configuration file as it was named; nil: there is none.
    ///   - variable: gives the value of a variable of the environment.
    public init(file: String?, variable: (String) -> String?) {
        guard let file else { return }
        if file == "/etc/wstan.conf" {
            stateDirectory = "/var/lib/wstan"
            controlSocket = "/run/wstand/control"
        } else if let name = Self.instance(of: file) {
            stateDirectory = "/var/lib/wstan/\(name)"
            controlSocket = "/run/wstand-\(name)/control"
        }
        if let directory = Self.first(of: variable("STATE_DIRECTORY")) { stateDirectory = directory }
        if let directory = Self.first(of: variable("RUNTIME_DIRECTORY")) { controlSocket = directory + "/control" }
        // Such a socket could not be made; that it has to be given one is said where it is missed.
        if let path = controlSocket, path.utf8.count > ConfigurationBounds.socketPathLength { controlSocket = nil }
    }

    /// NAME of /run/wstand-NAME/control, where systemd's template unit has it.
    package static func instance(withSocket path: String?) -> String? {
        guard let rest = path?.suffix(after: "/run/wstand-"), rest.hasBytes(atEnd: "/control") else { return nil }
        let name = String(decoding: rest.utf8.dropLast(8), as: UTF8.self)
        return name.utf8.contains(UInt8(ascii: "/")) || name.isEmpty ? nil : name
    }

    /// NAME of /etc/wstan/NAME.conf.
    package static func instance(of file: String) -> String? {
        guard let rest = file.suffix(after: "/etc/wstan/"), rest.hasBytes(atEnd: ".conf") else { return nil }
        let name = String(decoding: rest.utf8.dropLast(5), as: UTF8.self)
        let isName = name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }
        return isName && !name.isEmpty && name.utf8.first != UInt8(ascii: ".") ? name : nil
    }

    /// With several directories in the unit colons stand between them.
    private static func first(of directories: String?) -> String? {
        guard let first = directories?.utf8.prefix(while: { $0 != UInt8(ascii: ":") }),
            first.first == UInt8(ascii: "/"),
            first.count < ConfigurationBounds.textLength, first.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { return nil }
        return String(decoding: first, as: UTF8.self)
    }
}

extension String {
    /// Compared by bytes.
    func hasBytes(atEnd ending: String) -> Bool { utf8.suffix(ending.utf8.count).elementsEqual(ending.utf8) }
}
