import CSystemd
import Glibc

/// The sockets that were passed to this process (sd_listen_fds(3)).
enum PassedSockets {
    /// Takes them, and the variables out of the environment, so that nobody else takes them for his. Before any thread is
    /// started.
    static func adopt() throws(SocketActivation.Failure) -> [PassedSocket] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        // It looks at LISTEN_PID, and makes them close on exec.
        let count = sd_listen_fds_with_names(1, &names)
        guard count >= 0 else {
            throw SocketActivation.Failure(
                description:
                    "the sockets that were passed cannot be taken: LISTEN_FDS and LISTEN_FDNAMES do not agree, or "
                    + "\(SystemError.text(-count))")
        }
        defer {
            for index in 0..<Int(count) { free(names?[index]) }
            free(names)
        }
        return (0..<count).map { index in
            let name = names?[Int(index)].map { String(cString: $0) } ?? ""
            return PassedSocket(firstDescriptor + index, name: name)
        }
    }

    /// SD_LISTEN_FDS_START, a macro that Swift does not import.
    private static let firstDescriptor: Int32 = 3
}
