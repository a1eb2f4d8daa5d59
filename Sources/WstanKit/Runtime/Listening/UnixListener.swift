import Glibc

/// Listens on a Unix socket. Its file is there from the start to `close`, and a file that a crash has left is replaced.
///
/// Everybody on this host may connect, as to a port of 127.0.0.1; the permissions of the directory say who gets there.
package final class UnixListener: Acceptor, @unchecked Sendable {
    package enum Failure: Error, Equatable {
        /// A process listens there; which one, if the kernel says.
        case taken(LocalProcess?)
        /// What is there is no socket, so it is not ours to remove.
        case otherFile
        case system(SystemError)
    }

    private let path: String
    /// Nil when it is not ours to remove.
    private let file: UnixPath.FileIdentity?

    /// - Parameter report: called on the listener's worker.
    package init(
        _ path: String, on worker: Worker, dealingTo workers: [Worker], report: @escaping (Event) -> Void
    ) throws(Failure) {
        let descriptor = try Self.open(path)
        self.path = path
        file = UnixPath.identity(of: path)
        do throws(SystemError) {
            try super.init(descriptor: descriptor, at: "unix:\(path)", on: worker, dealingTo: workers, report: report)
        } catch {
            throw .system(error)
        }
    }

    /// Takes one over that listens already; its file stays.
    package init(
        passed socket: PassedSocket, on worker: Worker, dealingTo workers: [Worker], report: @escaping (Event) -> Void
    ) throws(SystemError) {
        path = ""
        file = nil
        try socket.prepare()
        try super.init(
            descriptor: socket.descriptor, at: socket.place, on: worker, dealingTo: workers, report: report)
        isShared = true
    }

    private static func open(_ path: String) throws(Failure) -> Int32 {
        do throws(SystemError) {
            let descriptor = try UnixPath.socket()
            do throws(SystemError) {
                try bind(descriptor, path)
                _ = try SystemError.check("listen") { listen(descriptor, Int32(longestBacklog)) }
            } catch {
                Glibc.close(descriptor)
                throw error
            }
            return descriptor
        } catch {
            guard error.code == EADDRINUSE else { throw .system(error) }
            guard UnixPath.isSocket(path) else { throw .otherFile }
            throw .taken(UnixPath.listener(at: path))
        }
    }

    private static func bind(_ descriptor: Int32, _ path: String) throws(SystemError) {
        do {
            try UnixPath.bindForAll(descriptor, to: path)
        } catch {
            guard error.code == EADDRINUSE, let file = UnixPath.identity(of: path), UnixPath.isStale(path) else { throw error }
            UnixPath.remove(file, at: path)
            try UnixPath.bindForAll(descriptor, to: path)
        }
    }

    override func peer(of descriptor: Int32, at address: SocketAddress?) -> Peer? {
        LocalProcess(atOtherEndOf: descriptor).map { .local($0) }
    }

    package override func close() {
        guard !isClosed else { return }
        super.close()
        // Another may have put its own there meanwhile; a number that was given back may be that one's now.
        if let file, UnixPath.identity(of: path) == file, UnixPath.isStale(path) { UnixPath.remove(file, at: path) }
    }
}
