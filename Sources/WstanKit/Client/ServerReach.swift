/// Makes the connection to one server, straight or through a proxy, up to where the handshake begins. Confined to its
/// worker.
struct ServerReach: @unchecked Sendable {
    let worker: Worker
    let options: ClientOptions
    let connector: Connector

    /// Ends early, with whatever failure, when the task is cancelled.
    func connect(to server: ServerEndpoint) async -> Result<Stream, DialFailure> {
        let stream: Stream
        do {
            stream = try await connector.connect(
                to: server.proxy?.address ?? server.address, for: "server",
                deadline: worker.now + options.connectTimeout)
        } catch {
            if case .connect(let error) = error, error.isReset { return .failure(.reset) }
            return .failure(server.proxy == nil ? .unreachable(error) : .proxyUnreachable(error))
        }
        guard server.proxy != nil else { return .success(stream) }
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
                switch proxy.scheme {
                case .http: try await HTTPProxyPassage(proxy: proxy, server: server.address).pass(stream, until: deadline)
                case .socks5:
                    try await SocksProxyPassage(proxy: proxy, server: server.address).pass(stream, until: deadline)
                }
            } catch {
                stream.close()
                return .failure(.proxyRefused(error))
            }
        }
        return .success(stream)
    }
}

extension ProxyAddress {
    fileprivate var address: Address { Address(host: Host(text: host) ?? .name(host), port: port) }
}
