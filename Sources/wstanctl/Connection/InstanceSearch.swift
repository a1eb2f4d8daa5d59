import Glibc
import WstanControl

/// Looks where units put their sockets: below /run, and for this user's own below $XDG_RUNTIME_DIR.
enum InstanceSearch {
    static var userDirectory: String? {
        guard let value = getenv("XDG_RUNTIME_DIR") else { return nil }
        let path = String(cString: value)
        return path.hasPrefix("/") ? path : nil
    }

    /// What this user's units take for their configuration (`%E`).
    static var configurationDirectory: String? {
        if let value = getenv("XDG_CONFIG_HOME").map({ String(cString: $0) }), value.hasPrefix("/") { return value }
        guard let home = getenv("HOME").map({ String(cString: $0) }), home.hasPrefix("/") else { return nil }
        return home == "/" ? "/.config" : home + "/.config"
    }

    private static var places: [(directory: String, manager: Instance.Manager)] {
        [(Instance.systemDirectory, .system)] + (userDirectory.map { [($0, .user)] } ?? [])
    }

    /// Those whose socket is listened on, also where this user may not connect, by their units' names.
    static func running() -> [Instance] { sockets().filter(isRunning) }

    /// Whether there is one or not.
    static func of(_ manager: Instance.Manager, _ name: String?) -> Instance {
        switch manager {
        case .system: Instance(name: name, manager: .system, below: Instance.systemDirectory)
        case .user: Instance(name: name, manager: .user, below: userDirectory ?? "/run/user/\(getuid())")
        }
    }

    /// - Parameter manager: nil: the system's, unless only this user's has a socket, or a configuration.
    static func named(_ name: String?, _ manager: Instance.Manager? = nil) -> Instance {
        if manager == .user { return of(.user, name) }
        let candidates = places.map { Instance(name: name, manager: $0.manager, below: $0.directory) }
        return candidates.first { access($0.socket, F_OK) == 0 || errno == EACCES }
            ?? candidates.first { access($0.configuration, F_OK) == 0 || errno == EACCES }
            ?? Instance(name: name, manager: .system, below: Instance.systemDirectory)
    }

    private static func isRunning(_ instance: Instance) -> Bool {
        do throws(ControlConnection.Failure) {
            _ = try ControlConnection(to: instance.socket, timeout: .seconds(1))
            return true
        } catch {
            return error != .notRunning
        }
    }

    private static func sockets() -> [Instance] {
        places.flatMap { place in
            names(in: place.directory).map { Instance(name: $0, manager: place.manager, below: place.directory) }
        }.filter { access($0.socket, F_OK) == 0 || errno == EACCES }
    }

    /// Of what looks like a runtime directory of ours.
    private static func names(in directory: String) -> [String?] {
        entries(of: directory).compactMap { entry in
            if entry == "wstand" { return .some(nil) }
            guard entry.hasPrefix("wstand-"), Instance.isName(entry.dropFirst(7)) else { return nil }
            return .some(String(entry.dropFirst(7)))
        }
    }

    /// Those of this user that there is a configuration for.
    static func configuredByUser() -> [Instance] {
        let named = entries(of: (configurationDirectory ?? "") + "/wstan").filter { $0.hasSuffix(".conf") }
            .map { String($0.dropLast(5)) }.filter(Instance.isName)
        return ([nil] + named).map { of(.user, $0) }.filter { access($0.configuration, F_OK) == 0 }
    }

    /// Those that /etc/wstan has a configuration for.
    static func configured() -> [String] {
        entries(of: "/etc/wstan").filter { $0.hasSuffix(".conf") }.map { String($0.dropLast(5)) }.filter(Instance.isName)
    }

    /// The drop-ins in a directory, in the order in which they are read.
    static func dropIns(in directory: String) -> [String] {
        entries(of: directory).filter { $0.hasSuffix(".conf") && !$0.hasPrefix(".") }
    }

    /// The names in a directory, in the order of their bytes; none where there is no such directory.
    static func entries(of directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            found.append(
                withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return found.filter { $0 != "." && $0 != ".." }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
