import Glibc

/// Makes outgoing TCP connections: to a literal at once, to a name by a race of its addresses.
struct Connector {
    enum Failure: Error, Equatable, CustomStringConvertible {
        case lookUp(Resolver.Failure)
        case connect(SystemError)

        var description: String {
            switch self {
            case .lookUp(let failure): failure.text
            case .connect(let error): SystemError.text(error.code)
            }
        }
    }

    let worker: Worker
    let resolver: Resolver

    /// Waits between tries when the process is out of descriptors: others are closing theirs.
    private static let shortagePause: Duration = .milliseconds(50)

    /// - Parameter peer: on whose behalf names are looked up.
    func connect(to address: Address, for peer: AnyHashable, deadline: Instant) async throws(Failure) -> Stream {
        switch address.host {
        case .ipv4(let ipv4):
            try await connect(.ipv4(ipv4, port: address.port), deadline).get()
        case .ipv6(let ipv6):
            try await connect(.ipv6(ipv6, port: address.port, scope: 0), deadline).get()
        case .name(let name):
            try await race(name, address.port, peer, deadline)
        }
    }

    private func connect(_ address: SocketAddress, _ deadline: Instant) async -> Result<Stream, Failure> {
        while true {
            do {
                return .success(try await Stream.connect(to: address, worker: worker, deadline: deadline))
            } catch {
                guard error.isShortage, worker.now < deadline, !Task.isCancelled else {
                    return .failure(.connect(error))
                }
                await worker.sleep(for: Self.shortagePause)
            }
        }
    }

    private enum Event {
        case resolved(Result<[SocketAddress], Resolver.Failure>, Resolver.Family)
        case attempted(Result<Stream, Failure>)
        case delayPassed(Int)
    }

    private func race(
        _ name: String, _ port: UInt16, _ peer: AnyHashable, _ deadline: Instant
    ) async throws(Failure) -> Stream {
        let name = LookUp(name: name, port: port, peer: peer, deadline: deadline)
        return try await withTaskGroup(of: Event.self) { group in
            for family in [Resolver.Family.ipv6, .ipv4] {
                group.addTask { .resolved(await lookUp(name, family), family) }
            }
            var race = AddressRace()
            var failure = Failure.lookUp(.notFound)
            for await event in group {
                var actions: [AddressRace.Action]
                switch event {
                case .resolved(let answer, let family):
                    if case .failure(let reason) = answer, reason != .notFound { failure = .lookUp(reason) }
                    actions = race.resolved((try? answer.get()) ?? [], family: family)
                case .attempted(.success(let stream)):
                    group.cancelAll()
                    // Those who came second.
                    for await late in group { if case .attempted(.success(let loser)) = late { loser.close() } }
                    return Result<Stream, Failure>.success(stream)
                case .attempted(.failure(let reason)):
                    failure = reason
                    actions = race.attemptFailed()
                case .delayPassed(let number):
                    actions = race.delayPassed(number)
                }
                if Task.isCancelled { actions = [.fail] }
                for action in actions {
                    switch action {
                    case .connect(let address):
                        group.addTask { .attempted(await connect(address, deadline)) }
                    case .delay(let duration, let number):
                        group.addTask {
                            await worker.sleep(for: duration)
                            return .delayPassed(number)
                        }
                    case .fail:
                        group.cancelAll()
                        for await late in group { if case .attempted(.success(let loser)) = late { loser.close() } }
                        return .failure(failure)
                    }
                }
            }
            return .failure(failure)
        }.get()
    }

    /// What the look-ups of one race share. The peer's name is only compared, never changed.
    private struct LookUp: @unchecked Sendable {
        let name: String
        let port: UInt16
        let peer: AnyHashable
        let deadline: Instant
    }

    private func lookUp(_ it: LookUp, _ family: Resolver.Family) async -> Result<[SocketAddress], Resolver.Failure> {
        do {
            return .success(
                try await resolver.resolve(
                    it.name, port: it.port, family: family, for: it.peer, on: worker, deadline: it.deadline))
        } catch {
            return .failure(error)
        }
    }
}
