import WstanControl

/// What a call comes to before anything is done for it.
enum ControlGate {
    /// - Throws: what it is answered with.
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
        guard call.manner != .upgrade else { throw .methodNotImplemented(call.method) }
        guard !command.needsMore || call.manner == .more else { throw .expectedMore }
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
}
