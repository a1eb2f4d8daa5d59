import COpenSSL

/// What servers have given a worker's client to resume its sessions by, the latest of each server. It saves the
/// certificates and the signatures. Confined to its worker.
package final class TLSSessions: @unchecked Sendable {
    private var sessions: [String: OpaquePointer] = [:]
    /// The servers, those that were heard of least lately first.
    private var order: [String] = []

    deinit {
        for session in sessions.values { SSL_SESSION_free(session) }
    }

    var count: Int { sessions.count }

    /// - Parameter session: is this one's from now on.
    func keep(_ session: OpaquePointer, of server: String) {
        if let former = sessions.updateValue(session, forKey: server) {
            SSL_SESSION_free(former)
            order.removeAll { $0 == server }
        }
        order.append(server)
        if order.count > TLSLimits.sessions, let gone = sessions.removeValue(forKey: order.removeFirst()) {
            SSL_SESSION_free(gone)
        }
    }

    func forget(_ server: String) {
        guard let session = sessions.removeValue(forKey: server) else { return }
        SSL_SESSION_free(session)
        order.removeAll { $0 == server }
    }

    /// Has the next handshake of `ssl` resume what there is of that server.
    func resume(_ server: String, by ssl: OpaquePointer) {
        guard let session = sessions[server] else { return }
        SSL_set_session(ssl, session)
    }
}
