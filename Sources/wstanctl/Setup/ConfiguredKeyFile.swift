import Glibc

/// The key file of an instance, written by root where the service may not write: below /etc, as packaged.
enum ConfiguredKeyFile {
    /// Puts another key in place of the former one; the other lines, the mode and the owner stay. A daemon is not believed
    /// where that is: the file has to be the one that the instance's configuration names.
    ///
    /// - Parameter path: what the daemon says.
    /// - Returns: whether it was done.
    static func replace(_ path: String, of instance: Instance, with key: String) -> Bool {
        guard geteuid() == 0, instance.manager == .system, !instance.isElsewhere,
            path == configured(in: instance.configuration), path.hasPrefix("/")
        else { return false }
        let file = SetupFile(path, root: "")
        guard let former = try? file.readRegular(limit: KeyInput.limit) else { return false }
        let text = text(key, replacing: former.bytes)
        return (try? file.write(text, for: former.readers, replacing: true)) != nil
    }

    static func text(_ key: String, replacing former: [UInt8]) -> String {
        // Blank lines before the key do not count.
        let rest = former.drop { $0 <= 32 }.drop { $0 != 10 && $0 != 13 }
        return key + (rest.isEmpty ? "\n" : String(decoding: rest, as: UTF8.self))
    }

    private static func configured(in path: String) -> String? {
        let paths = [path] + InstanceSearch.dropIns(in: path + ".d").map { "\(path).d/\($0)" }
        var host = HostObservation()
        for path in paths {
            guard let bytes = try? SetupFile(path, root: "").read() else { continue }
            host.files[path] = bytes
        }
        guard case .file(let path) = host.layers(of: path).key else { return nil }
        return path
    }
}
