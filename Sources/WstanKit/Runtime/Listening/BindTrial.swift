import CLinux
import Glibc

/// Whether something could listen at a place: a socket is bound there and closed again, before anything can reach it. A Unix
/// socket would leave a file, so there it is only looked.
package enum BindTrial {
    /// - Parameter sharing: with another socket of this process at the same port (`sharesPort`).
    package static func bind(
        _ address: SocketAddress, forDatagrams: Bool = false, sharing: Bool = false
    ) throws(SystemError) {
        let type = Int32((forDatagrams ? SOCK_DGRAM : SOCK_STREAM).rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = try SystemError.check("socket") { socket(address.family, type, 0) }
        defer { Glibc.close(descriptor) }
        if !forDatagrams { SocketOption.reuseAddress.set(1, on: descriptor) }
        if sharing { SocketOption.reusePort.set(1, on: descriptor) }
        if address.family == AF_INET6 { SocketOption.ipv6Only.set(1, on: descriptor) }
        _ = try SystemError.check("bind") { address.withSockaddr { Glibc.bind(descriptor, $0, $1) } }
    }

    package static func look(at path: String) throws(UnixListener.Failure) {
        guard access(path, F_OK) != 0 else {
            guard UnixPath.isSocket(path) else { throw .otherFile }
            guard UnixPath.isStale(path) else { throw .taken(UnixPath.listener(at: path)) }
            return
        }
        let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard access(directory, W_OK | X_OK) == 0 else { throw .system(SystemError(call: "access", code: errno)) }
    }
}
