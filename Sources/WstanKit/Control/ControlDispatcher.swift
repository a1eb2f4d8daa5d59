import WstanControl

/// Answers calls: admits them, then answers those of `org.varlink.service` itself and all others by the service. Confined to
/// its worker.
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
    /// What GetInfo says.
    private let information: GetInfo.Reply
    private let report: (Event) -> Void

    private static let shortestInterval = 100_000
    private static let defaultInterval = 1_000_000
    private static let longestInterval = 86_400_000_000

    package init(_ service: any ControlService, information: GetInfo.Reply, report: @escaping (Event) -> Void) {
        self.service = service
        self.information = information
        self.report = report
    }

    func answer(_ call: ControlCall, of session: ControlSession) async {
        let reply: ControlReply
        do throws(ControlError) {
            let command = try Self.admit(call, from: session.standing)
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
            Self.encode(
                try await service.listTunnels(Self.decode(call), Self.replies(call, session)), as: ListTunnels.self)
        case .closeTunnel: Self.encode(try await service.closeTunnel(Self.decode(call)), as: CloseTunnel.self)
        case .listRejects: Self.encode(try await service.listRejects(Self.decode(call)), as: ListRejects.self)
        case .checkConfiguration:
            Self.encode(try await service.checkConfiguration(Self.decode(call)), as: CheckConfiguration.self)
        case .reload: Self.encode(try await service.reload(Self.decode(call)), as: Reload.self)
        case .rotateKey:
            Self.encode(try await service.rotateKey(Self.decode(call), by: session.caller), as: RotateKey.self)
        case .addKey: Self.encode(try await service.addKey(Self.decode(call), by: session.caller), as: AddKey.self)
        case .retireKey:
            Self.encode(try await service.retireKey(Self.decode(call), by: session.caller), as: RetireKey.self)
        case .getClientConfiguration:
            Self.encode(try await service.clientConfiguration(Self.decode(call)), as: GetClientConfiguration.self)
        case .drain:
            Self.encode(try await service.drain(Self.decode(call), Self.replies(call, session)), as: Drain.self)
        case .undrain: Self.encode(try await service.undrain(), as: Undrain.self)
        case .setLogLevel: Self.encode(try await service.setLogLevel(Self.decode(call)), as: SetLogLevel.self)
        }
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

    private static func replies<Method: ControlMethod>(
        _ call: ControlCall, _ session: ControlSession
    ) -> ControlReplies<Method> {
        ControlReplies(session, wantsMore: call.replyMode == .more)
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
        let interval = Duration.microseconds(min(max(wanted, Self.shortestInterval), Self.longestInterval))
        let replies: ControlReplies<GetStatus> = Self.replies(call, session)
        while true {
            let status = await service.status().visible(to: session.standing)
            guard await replies.send(status), await replies.pause(for: interval) else { return status }
        }
    }
}
