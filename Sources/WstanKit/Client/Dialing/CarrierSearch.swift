import WstanBase
import WstanConfig

/// The driver of `CarrierChoice`.
extension Dialer {
    /// What the next request to a server rides in.
    func carrier(for number: Int) -> RequestCarrier {
        RequestCarrier(options.carrier) ?? carriers(of: number).carrier
    }

    /// A request has opened a tunnel.
    func carrierWorked(_ carrier: RequestCarrier, for number: Int) {
        guard options.carrier == .auto,
            let change = changeCarriers(of: number, { $0.succeeded(carrier) }) ?? nil
        else { return }
        pool.log.carrierChanged(change, of: servers.endpoints[number])
    }

    /// Another carrier that works.
    enum OtherCarrier {
        /// A tunnel was opened by it, which carries nothing yet.
        case opened(Tunnel)
        /// It was found out meanwhile.
        case known
    }

    /// Looks for another carrier where the failure may be that of the one that a request rode in.
    ///
    /// - Returns: nil where the failure stands.
    func otherCarrier(
        than carrier: RequestCarrier, after failure: DialFailure, of number: Int
    ) async -> OtherCarrier? {
        guard options.carrier == .auto, failure.mayBeCarriers else { return nil }
        switch changeCarriers(of: number, { [worker] in $0.refused(carrier, failure, worker.now) }) {
        case .accept, nil: return nil
        case .askAgain: return .known
        case .wait: return await carrierChanges(from: carrier, of: number) ? .known : nil
        case .search(let others):
            let result = await search(others, number)
            changeCarriers(of: number) { [worker] in $0.searchEnded(hasFound: result.hasFound, worker.now) }
            return switch result {
            case .opened(let tunnel): .opened(tunnel)
            // The server has proven itself, and says the rest to the next request.
            case .dismissed: .known
            case .foundNone: nil
            }
        }
    }

    private enum SearchResult {
        case opened(Tunnel)
        /// The request has arrived, and the server has no tunnel for it.
        case dismissed
        case foundNone

        var hasFound: Bool { if case .foundNone = self { false } else { true } }
    }

    private func search(_ carriers: [RequestCarrier], _ number: Int) async -> SearchResult {
        for carrier in carriers {
            guard case .success(let uplink) = await servers.connect(to: number) else { return .foundNone }
            do throws(DialFailure) {
                return .opened(try await openIdle(uplink, in: carrier))
            } catch {
                if error.isDismissal { return .dismissed }
                // Nothing is tried that would serve its purpose.
                if error.isImpostor { return .foundNone }
                // Whatever else: of one that is too long for it a front may say nothing, or break the connection.
            }
        }
        return .foundNone
    }

    /// Waits for the end of a search, which may be another worker's.
    private func carrierChanges(from carrier: RequestCarrier, of number: Int) async -> Bool {
        let deadline = worker.now + ClientLimits.carrierSearch
        while worker.now < deadline, carriers(of: number).isSearching {
            await worker.sleep(for: ClientLimits.carrierLook)
        }
        return self.carrier(for: number) != carrier
    }

    private func carriers(of number: Int) -> CarrierChoice { servers.links.link(servers.firstMark + number).carriers }

    @discardableResult
    private func changeCarriers<Result: Sendable>(
        of number: Int, _ body: (inout CarrierChoice) -> Result
    ) -> Result? {
        servers.links.change(servers.firstMark + number) { body(&$0.carriers) }
    }
}

extension RequestCarrier {
    /// - Returns: nil for the one that the client finds by itself.
    package init?(_ carrier: Settings.Carrier) {
        switch carrier {
        case .auto: return nil
        case .cookie: self = .cookie
        case .path: self = .path
        case .subprotocol: self = .subprotocol
        }
    }
}

extension DialFailure {
    /// Whether a front may have removed what the request rode in: an answer of HTTP like that to any other request, or a
    /// WebSocket that something else has opened.
    package var mayBeCarriers: Bool {
        switch bare {
        case .refused(let answer):
            switch answer.failure {
            case .unaskedSubprotocol: answer.carrier == .subprotocol
            case .status(let status):
                answer.carrier != nil && answer.complaint == nil && [200, 400, 403, 404, 405, 406].contains(status)
            case .notHTTP, .notUpgraded, .otherKey, .unaskedExtension, nil: false
            }
        case .unproven: true
        case .unreachable, .proxyUnreachable, .proxyRefused, .notHTTP, .tooLargeAnswer, .unfinishedAnswer, .reset,
            .closed,
            .timedOut, .tls, .impostor, .unusableServerKey, .dismissed, .overtaken, .at:
            false
        }
    }
}
