import Glibc

/// Gives this process to another program, which ends it with its own status.
enum Handover {
    /// - Parameter program: a path, or the name of one in $PATH.
    static func run(_ program: String, _ arguments: [String]) throws(Failure) -> Never {
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
        words.append(nil)
        execvp(program, words)
        let code = errno
        if code == ENOENT { throw Failure("there is no \(program) on this host: install the package that has it") }
        throw Failure("cannot run \(program): \(String(cString: strerror(code)))")
    }

    /// The wstand that came with this program: beside it, or in the sbin beside its bin; else the one in $PATH.
    static var wstand: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return "wstand" }
        let path = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return candidates(besides: path).first { access($0, X_OK) == 0 } ?? "wstand"
    }

    static func candidates(besides path: String) -> [String] {
        guard let slash = path.lastIndex(of: "/") else { return [] }
        let directory = path[..<slash]
        let beside = "\(directory)/wstand"
        return directory.hasSuffix("/bin") ? [beside, "\(directory.dropLast(3))sbin/wstand"] : [beside]
    }
}
