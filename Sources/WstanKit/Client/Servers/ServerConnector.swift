import WstanBase
import WstanConfig

/// Makes the connection to one server, straight or through a proxy, with TLS on it if the URI wants that, up to where the
/// WebSocket's handshake begins. Confined to its worker.
package final class ServerConnector: @unchecked Sendable {
    let worker: Worker
    let options: ClientOptions
    let connector: Connector
    private let sessions = TLSSessions()

    package init(worker: Worker, options: ClientOptions, connector: Connector) {
        self.worker = worker
        self.options = options
        self.connector = connector
    }

    /// Ends early, with whatever failure, when the task is cancelled.
    package func connect(to server: ServerEndpoint) async -> Result<Stream, DialFailure> {
        let stream: Stream
        do {
            stream = try await connector.connect(
                to: server.proxy?.address ?? server.address, for: "server",
                deadline: worker.now + options.connectTimeout)
        } catch {
            if case .connect(let error) = error, error.isReset { return .failure(.reset) }
            guard server.proxy == nil else { return .failure(.proxyUnreachable(error)) }
            return .failure(.unreachable(error, onLoopback: server.isOnLoopback))
        }
        guard server.proxy != nil || server.usesTLS else { return .success(stream) }
        return await withTaskCancellationHandler {
            await prepare(stream, for: server)
        } onCancel: {
            worker.execute { stream.close() }
        }
    }

    /// What comes between the TCP connection and the handshake. Closes the stream when it fails.
    private func prepare(_ stream: Stream, for server: ServerEndpoint) async -> Result<Stream, DialFailure> {
        if let proxy = server.proxy {
            let deadline = worker.now + options.handshakeTimeout
            do throws(ProxyRefusal) {
                try await proxy.makeWay(on: stream, to: server.address, until: deadline)
            } catch {
                stream.close()
                return .failure(.proxyRefused(error))
            }
        }
        guard server.usesTLS else { return .success(stream) }
        // Nothing else seals what goes there.
        guard let context = options.tls else { preconditionFailure("a server behind wss:// without TLS") }
        return await shakeHands(stream, with: server, context)
    }

    private func shakeHands(
        _ stream: Stream, with server: ServerEndpoint, _ context: TLSClientContext
    ) async -> Result<Stream, DialFailure> {
        let side = TLSSession.Side.client(
            context, name: server.name, sessions: sessions, server: "\(server.name) \(server.address)")
        do throws(TLSFailure) {
            try await stream.startTLS(side, deadline: worker.now + options.handshakeTimeout)
            return .success(stream)
        } catch {
            // In good order: the alert tells the server's administrator what this side does not like.
            stream.closeOrderly(awaitingPeer: false)
            switch error {
            case .reset: return .failure(.reset)
            case .timedOut: return .failure(.timedOut)
            default: return .failure(.tls(error))
            }
        }
    }
}

extension ProxyAddress {
    package var address: Address { Address(host: Host(text: host) ?? .name(host), port: port) }

    /// Has the proxy connect to a server, on a connection to the proxy.
    package func makeWay(on stream: Stream, to server: Address, until deadline: Instant) async throws(ProxyRefusal) {
        switch scheme {
        case .http: try await HTTPConnectHandshake(proxy: self, server: server).pass(stream, until: deadline)
        case .socks5: try await Socks5Handshake(proxy: self, server: server).pass(stream, until: deadline)
        }
    }
}
