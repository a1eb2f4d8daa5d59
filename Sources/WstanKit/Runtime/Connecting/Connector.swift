import Glibc
import WstanBase

/// Makes outgoing TCP connections: to a literal at once, to a name by a race of its addresses.
package struct Connector {
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case lookUp(Resolver.Failure)
        case connect(SystemError)
        /// This host makes too many connections already, for this asker or in all.
        case tooMany
        /// No address passed the filter; `key` is what refused the last of them.
        case forbidden(key: String)
        /// The same of a name that was looked up, with what would have come of it without these addresses: which names lead to
        /// what is forbidden is for who may reach that.
        case leadsToForbidden(key: String, told: Resolver.Failure)

        package var description: String {
            switch self {
            case .lookUp(let failure): failure.text
            case .connect(let error): SystemError.text(error.code)
            case .tooMany: "too many connections are being made"
            case .forbidden(let key), .leadsToForbidden(let key, _): "forbidden by \(key)"
            }
        }
    }

    let worker: Worker
    let resolver: Resolver
    /// Nil: they are not bounded.
    private let limiter: ConnectLimiter?

    /// Waits between tries when the process is out of descriptors: others are closing theirs.
    private static let shortagePause: Duration = .milliseconds(50)

    package init(worker: Worker, resolver: Resolver, limiter: ConnectLimiter? = nil) {
        self.worker = worker
        self.resolver = resolver
        self.limiter = limiter
    }

    /// Says of an address which key refuses it; nil when it may be connected to.
    typealias Filter = (SocketAddress) -> String?

    /// - Parameters:
    ///   - asker: on whose behalf.
    ///   - filter: asked of every address, literal or looked up, right before it is connected to, and of nothing else.
    func connect(
        to address: Address, for asker: Asker, deadline: Instant, filter: Filter = { _ in nil }
    ) async throws(Failure) -> Stream {
        let literal: SocketAddress
        switch address.host {
        case .ipv4(let ipv4): literal = .ipv4(ipv4, port: address.port)
        case .ipv6(let ipv6): literal = .ipv6(ipv6, port: address.port, scope: 0)
        case .name(let name): return try await race(name, address.port, asker, deadline, filter)
        }
        if let key = filter(literal) { throw .forbidden(key: key) }
        return try await connect(literal, asker, deadline).get()
    }

    private func connect(
        _ address: SocketAddress, _ asker: Asker, _ deadline: Instant
    ) async -> Result<Stream, Failure> {
        guard await begin(asker) else { return .failure(.tooMany) }
        defer { limiter?.end(for: asker) }
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

    /// Waits a little for room, since most connections are made within a round trip.
    ///
    /// - Returns: false when there is none.
    private func begin(_ asker: Asker) async -> Bool {
        guard let limiter else { return true }
        for pause in Self.crowdPauses {
            if limiter.begin(for: asker) { return true }
            await worker.sleep(for: pause)
            if Task.isCancelled { return false }
        }
        return limiter.begin(for: asker)
    }

    private static let crowdPauses: [Duration] = [
        .milliseconds(20), .milliseconds(50), .milliseconds(100), .milliseconds(200), .milliseconds(400),
    ]

    private enum Event {
        case resolved(Result<[SocketAddress], Resolver.Failure>, Resolver.Family)
        case attempted(Result<Stream, Failure>)
        case delayPassed(Int)
    }

    private func race(
        _ name: String, _ port: UInt16, _ asker: Asker, _ deadline: Instant, _ filter: Filter
    ) async throws(Failure) -> Stream {
        let name = LookUp(name: name, port: port, asker: asker, deadline: deadline)
        return try await withTaskGroup(of: Event.self) { group in
            for family in [Resolver.Family.ipv6, .ipv4] {
                group.addTask { .resolved(await lookUp(name, family), family) }
            }
            var race = AddressRace()
            var failure = RaceFailure()
            for await event in group {
                var actions: [AddressRace.Action]
                switch event {
                case .resolved(let answer, let family):
                    let found = Self.filtered(answer, filter)
                    failure.lookUpEnded(found.failure, forbiddenBy: found.key)
                    actions = race.resolved(found.addresses, family: family)
                case .attempted(.success(let stream)):
                    await Self.endAttempts(&group)
                    return Result<Stream, Failure>.success(stream)
                case .attempted(.failure(let reason)):
                    failure.attemptFailed(reason)
                    actions = race.attemptFailed()
                case .delayPassed(let number):
                    actions = race.delayPassed(number)
                }
                if Task.isCancelled { actions = [.fail] }
                for action in actions {
                    switch action {
                    case .connect(let address):
                        group.addTask { .attempted(await connect(address, name.asker, deadline)) }
                    case .delay(let duration, let number):
                        group.addTask {
                            await worker.sleep(for: duration)
                            return .delayPassed(number)
                        }
                    case .fail:
                        await Self.endAttempts(&group)
                        return .failure(failure.told)
                    }
                }
            }
            return .failure(failure.told)
        }.get()
    }

    /// Ends what still runs; connections that are made meanwhile are closed.
    private static func endAttempts(_ group: inout TaskGroup<Event>) async {
        group.cancelAll()
        for await late in group { if case .attempted(.success(let stream)) = late { stream.close() } }
    }

    /// What a race is lost by, as far as is known.
    private struct RaceFailure {
        private var last = Failure.lookUp(.notFound)
        private var hasTried = false
        /// The key of the configuration that refuses all addresses of a family.
        private var forbidding: String?

        mutating func lookUpEnded(_ failure: Resolver.Failure?, forbiddenBy key: String?) {
            forbidding = key ?? forbidding
            // What was tried says more than the other family's look-up.
            if let failure, !hasTried { last = .lookUp(failure) }
        }

        mutating func attemptFailed(_ failure: Failure) {
            hasTried = true
            last = failure
        }

        var told: Failure {
            guard let forbidding, case .lookUp(let told) = last else { return last }
            return .leadsToForbidden(key: forbidding, told: told)
        }
    }

    /// - Returns: what may be tried; why there was no answer, if so; what refuses the addresses, if it refuses all.
    private static func filtered(
        _ answer: Result<[SocketAddress], Resolver.Failure>, _ filter: Filter
    ) -> (addresses: [SocketAddress], failure: Resolver.Failure?, key: String?) {
        switch answer {
        case .failure(.notFound):
            return ([], nil, nil)
        case .failure(let reason):
            return ([], reason, nil)
        case .success(let addresses):
            var key: String?
            let allowed = addresses.filter { address in
                guard let refusal = filter(address) else { return true }
                key = refusal
                return false
            }
            return (allowed, nil, allowed.isEmpty ? key : nil)
        }
    }

    /// What the look-ups of one race share.
    private struct LookUp: Sendable {
        let name: String
        let port: UInt16
        let asker: Asker
        let deadline: Instant
    }

    private func lookUp(_ it: LookUp, _ family: Resolver.Family) async -> Result<[SocketAddress], Resolver.Failure> {
        do {
            return .success(
                try await resolver.resolve(
                    it.name, port: it.port, family: family, for: it.asker, on: worker, deadline: it.deadline))
        } catch {
            return .failure(error)
        }
    }
}
