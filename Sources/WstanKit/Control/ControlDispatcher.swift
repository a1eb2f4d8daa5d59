import WstanBase
import WstanControl
import WstanCore

/// Answers calls: admits them, then answers those of `org.varlink.service` itself and all others by the service, on the service's
/// worker. Confined to its own.
package final class ControlDispatcher: @unchecked Sendable {
    package enum Event {
        /// A method was called that changes something or hands out a secret; it is about to be done. The service itself
        /// tells of changes of keys, when they are done.
        case ordered(method: String, by: ControlCaller)
        /// It was not done.
        case failed(method: String, by: ControlCaller, ControlError)
        /// The caller may not call that method.
        case denied(method: String, to: ControlCaller)
    }

    private let service: any ControlService
    /// The service's worker.
    private let home: Worker
    /// What strangers were told last, and how long that is good enough: however many ask, the workers of tunnels are asked once.
    private var strangersView: (status: GetStatus.Reply, until: Instant)?
    /// What is being asked for them; who comes meanwhile waits for it, too.
    private var strangersAsking: Task<GetStatus.Reply, Never>?
    /// What GetInfo says.
    private let information: GetInfo.Reply
    private let report: (Event) -> Void

    private static let lettingGo: Duration = .seconds(1)
    private static let shortestInterval = 100_000
    private static let defaultInterval = 1_000_000
    private static let longestInterval = 86_400_000_000

    package init(
        _ service: any ControlService, of home: Worker, information: GetInfo.Reply, report: @escaping (Event) -> Void
    ) {
        self.service = service
        self.home = home
        self.information = information
        self.report = report
    }

    func answer(_ call: ControlCall, of session: ControlSession) async {
        let reply: ControlReply
        var isErasing = false
        let worker = session.stream.worker
        // Not at once: what was said is shared with the service's worker and its threads, and the last to let go gives it back.
        defer { if isErasing { _ = worker.schedule(after: Self.lettingGo) { Erasure.end() } } }
        do throws(ControlError) {
            let command = try Self.admit(call, from: session.standing)
            isErasing = command.handlesKeys
            if isErasing { Erasure.begin() }
            let isLogged = command.isLogged && !call.isDryRun
            if isLogged, !command.isLoggedByService { report(.ordered(method: call.method, by: session.caller)) }
            do throws(ControlError) {
                reply = ControlReply(try await perform(command, call, session))
            } catch {
                if isLogged { report(.failed(method: call.method, by: session.caller, error)) }
                throw error
            }
        } catch {
            if error == .permissionDenied { report(.denied(method: call.method, to: session.caller)) }
            reply = ControlReply(error)
        }
        if call.replyMode != .oneway { await session.send(reply) }
        if isErasing { Erasure.eraseStack() }
    }

    // MARK: Before anything is done

    /// Whether a call names a method, has parameters of its types, and comes from a client that may call it.
    ///
    /// - Throws: what the call is answered with.
    static func admit(
        _ call: ControlCall, from standing: ControlAuthority.Standing
    ) throws(ControlError) -> ControlCommand {
        guard let dot = call.method.utf8.lastIndex(of: UInt8(ascii: ".")) else { throw .methodNotFound(call.method) }
        let interface = String(call.method[..<dot])
        let method = String(call.method[call.method.index(after: dot)...])
        guard let description = description(of: interface) else { throw .interfaceNotFound(interface) }
        guard let declared = description.methods[method] else { throw .methodNotFound(call.method) }
        guard let command = ControlCommand(call.method) else { throw .methodNotImplemented(call.method) }
        guard standing >= command.standing else { throw .permissionDenied }
        // A reply that is no error would give the connection away.
        guard call.replyMode != .upgrade else { throw .methodNotImplemented(call.method) }
        guard !command.needsMore || call.replyMode == .more else { throw .expectedMore }
        if let fault = description.firstFault(in: call.parameters, of: declared.parameters) {
            throw .invalidParameter(fault)
        }
        return command
    }

    static func description(of interface: String) -> InterfaceDescription? {
        switch interface {
        case ControlInterface.name: ControlInterface.description
        case ServiceInterface.name: ServiceInterface.description
        default: nil
        }
    }

    // MARK: Doing it

    private func perform(
        _ command: ControlCommand, _ call: ControlCall, _ session: ControlSession
    ) async throws(ControlError) -> JSONObject {
        switch command {
        case .getInfo: Self.encode(information, as: GetInfo.self)
        case .getInterfaceDescription: Self.encode(try describe(Self.decode(call)), as: GetInterfaceDescription.self)
        case .getStatus: Self.encode(try await status(call, session), as: GetStatus.self)
        case .listTunnels:
            try await ask(ListTunnels.self, call, session) { service, it, replies async throws(ControlError) in
                try await service.listTunnels(it, replies)
            }
        case .closeTunnel:
            try await ask(CloseTunnel.self, call, session) { service, it, _ async throws(ControlError) in
                try await service.closeTunnel(it)
            }
        case .listRejects:
            try await ask(ListRejects.self, call, session) { service, it, _ async throws(ControlError) in
                try await service.listRejects(it)
            }
        case .checkConfiguration:
            try await ask(CheckConfiguration.self, call, session) { service, it, _ async throws(ControlError) in
                try await service.checkConfiguration(it)
            }
        case .reload:
            try await ask(Reload.self, call, session) { service, it, _ async throws(ControlError) in
                try await service.reload(it)
            }
        case .listKeys:
            try await ask(ListKeys.self, call, session) { service, _, replies async throws(ControlError) in
                await service.listKeys(replies)
            }
        case .rotateServerKey:
            try await ask(RotateServerKey.self, call, session) {
                [caller = session.caller] service, it, _ async throws(ControlError) in
                try await service.rotateServerKey(it, by: caller)
            }
        case .rotateKey:
            try await ask(RotateKey.self, call, session) {
                [caller = session.caller] service, it, _ async throws(ControlError) in
                try await service.rotateKey(it, by: caller)
            }
        case .addKey:
            try await ask(AddKey.self, call, session) {
                [caller = session.caller] service, it, _ async throws(ControlError) in
                try await service.addKey(it, by: caller)
            }
        case .retireKey:
            try await ask(RetireKey.self, call, session) {
                [caller = session.caller] service, it, _ async throws(ControlError) in
                try await service.retireKey(it, by: caller)
            }
        case .getClientConfiguration:
            try await ask(GetClientConfiguration.self, call, session) { service, it, _ async throws(ControlError) in
                try await service.clientConfiguration(it)
            }
        case .drain:
            try await ask(Drain.self, call, session) { service, it, replies async throws(ControlError) in
                try await service.drain(it, replies)
            }
        case .undrain:
            try await ask(Undrain.self, call, session) { service, _, _ async throws(ControlError) in
                try await service.undrain()
            }
        case .setLogLevel:
            try await ask(SetLogLevel.self, call, session) { service, it, _ async throws(ControlError) in
                try await service.setLogLevel(it)
            }
        }
    }

    /// Has the service do it, on its worker. Words become values, and values words, here.
    private func ask<Method: ControlMethod>(
        _ method: Method.Type, _ call: ControlCall, _ session: ControlSession,
        _ body:
            @escaping @Sendable (any ControlService, Method.Parameters, ControlReplies<Method>)
            async throws(ControlError)
            -> Method.Reply
    ) async throws(ControlError) -> JSONObject {
        let parameters: Method.Parameters = try Self.decode(call)
        let replies = ControlReplies<Method>(session, wantsMore: call.replyMode == .more)
        let result = await home.perform { [service] () async -> Result<Method.Reply, ControlError> in
            do throws(ControlError) {
                return .success(try await body(service, parameters, replies))
            } catch {
                return .failure(error)
            }
        }
        return ControlCoding.object(of: try result.get())
    }

    private static func encode<Method: ControlMethod>(_ reply: Method.Reply, as method: Method.Type) -> JSONObject {
        ControlCoding.object(of: reply)
    }

    private static func decode<Parameters: Decodable>(_ call: ControlCall) throws(ControlError) -> Parameters {
        do throws(DecodingError) {
            return try ControlCoding.decode(Parameters.self, from: call.parameters)
        } catch {
            // It was admitted, so only a type that is not the interface's could bring this about.
            throw .invalidParameter("parameters")
        }
    }

    // MARK: What needs no service

    private func describe(
        _ parameters: GetInterfaceDescription.Parameters
    ) throws(ControlError) -> GetInterfaceDescription.Reply {
        switch parameters.interface {
        case ControlInterface.name: .init(description: ControlInterface.text)
        case ServiceInterface.name: .init(description: ServiceInterface.text)
        default: throw .interfaceNotFound(parameters.interface)
        }
    }

    private func status(
        _ call: ControlCall, _ session: ControlSession
    ) async throws(ControlError) -> GetStatus.Reply {
        let parameters: GetStatus.Parameters = try Self.decode(call)
        let wanted = parameters.intervalUSec ?? Self.defaultInterval
        guard wanted >= 0 else { throw .invalidParameter("intervalUSec") }
        let shortest = session.standing == .stranger ? Self.defaultInterval : Self.shortestInterval
        let interval = Duration.microseconds(min(max(wanted, shortest), Self.longestInterval))
        let replies = ControlReplies<GetStatus>(session, wantsMore: call.replyMode == .more)
        while true {
            let status = await view(of: session)
            guard await replies.send(status), await replies.pause(for: interval) else { return status }
        }
    }

    private func view(of session: ControlSession) async -> GetStatus.Reply {
        guard session.standing == .stranger else { return await askStatus().visible(to: session.standing) }
        let worker = session.stream.worker
        if let strangersView, worker.now < strangersView.until { return strangersView.status }
        if let strangersAsking { return await strangersAsking.value }
        let asking = Task(executorPreference: worker) { [self] in
            let until = worker.now + .microseconds(Self.defaultInterval)
            let status = await askStatus().visible(to: .stranger)
            strangersView = (status, until)
            strangersAsking = nil
            return status
        }
        strangersAsking = asking
        return await asking.value
    }

    private func askStatus() async -> GetStatus.Reply {
        await home.perform { [service] in await service.status() }
    }
}
