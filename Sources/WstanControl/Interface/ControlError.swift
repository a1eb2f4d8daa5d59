/// An error that a call is answered with: of `org.wstan.control`, or of the service itself.
public enum ControlError: Error, Sendable, Equatable {
    case configurationInvalid([Control.Diagnostic])
    case noSuchTunnel(id: Int)
    /// By its id, or by its name.
    case noSuchKey(id: String)
    case keyExists(name: String)
    case invalidKey(message: String)
    case keyReadOnly(source: String)
    case wrongState(String)
    case operationFailed(message: String)

    case interfaceNotFound(String)
    case methodNotFound(String)
    case methodNotImplemented(String)
    /// By its name.
    case invalidParameter(String)
    case permissionDenied
    case expectedMore

    /// Of another version of the interface.
    case other(name: String, JSONObject)
}

extension ControlError {
    /// The name with its interface, and the parameters.
    public var message: (name: String, parameters: JSONObject) {
        switch self {
        case .configurationInvalid(let diagnostics):
            Self.own("ConfigurationInvalid", "diagnostics", .array(diagnostics.map { .object(ControlCoding.object(of: $0)) }))
        case .noSuchTunnel(let id): Self.own("NoSuchTunnel", "id", .integer(id))
        case .noSuchKey(let id): Self.own("NoSuchKey", "id", .string(id))
        case .keyExists(let name): Self.own("KeyExists", "name", .string(name))
        case .invalidKey(let message): Self.own("InvalidKey", "message", .string(message))
        case .keyReadOnly(let source): Self.own("KeyReadOnly", "source", .string(source))
        case .wrongState(let state): Self.own("WrongState", "state", .string(state))
        case .operationFailed(let message): Self.own("OperationFailed", "message", .string(message))
        case .interfaceNotFound(let name): Self.general("InterfaceNotFound", "interface", name)
        case .methodNotFound(let name): Self.general("MethodNotFound", "method", name)
        case .methodNotImplemented(let name): Self.general("MethodNotImplemented", "method", name)
        case .invalidParameter(let name): Self.general("InvalidParameter", "parameter", name)
        case .permissionDenied: (ServiceInterface.name + ".PermissionDenied", JSONObject())
        case .expectedMore: (ServiceInterface.name + ".ExpectedMore", JSONObject())
        case .other(let name, let parameters): (name, parameters)
        }
    }

    private static func own(_ name: String, _ field: String, _ value: JSONValue) -> (String, JSONObject) {
        var parameters = JSONObject()
        parameters.append(field, value)
        return (ControlInterface.name + "." + name, parameters)
    }

    private static func general(_ name: String, _ field: String, _ value: String) -> (String, JSONObject) {
        var parameters = JSONObject()
        parameters.append(field, .string(value))
        return (ServiceInterface.name + "." + name, parameters)
    }

    /// - Parameter name: with its interface.
    public init(name: String, parameters: JSONObject) {
        self = Self.known(name, parameters) ?? .other(name: name, parameters)
    }

    private static func known(_ name: String, _ parameters: JSONObject) -> ControlError? {
        func text(_ field: String) -> String? {
            guard case .string(let text)? = parameters[field] else { return nil }
            return text
        }
        switch name {
        case ControlInterface.name + ".ConfigurationInvalid":
            let decoded = try? ControlCoding.decode(CheckConfiguration.Reply.self, from: parameters)
            return decoded.map { .configurationInvalid($0.diagnostics) }
        case ControlInterface.name + ".NoSuchTunnel":
            guard case .integer(let id)? = parameters["id"] else { return nil }
            return .noSuchTunnel(id: id)
        case ControlInterface.name + ".NoSuchKey": return text("id").map { .noSuchKey(id: $0) }
        case ControlInterface.name + ".KeyExists": return text("name").map { .keyExists(name: $0) }
        case ControlInterface.name + ".InvalidKey": return text("message").map { .invalidKey(message: $0) }
        case ControlInterface.name + ".KeyReadOnly": return text("source").map { .keyReadOnly(source: $0) }
        case ControlInterface.name + ".WrongState": return text("state").map { .wrongState($0) }
        case ControlInterface.name + ".OperationFailed":
            return text("message").map { .operationFailed(message: $0) }
        case ServiceInterface.name + ".InterfaceNotFound": return text("interface").map { .interfaceNotFound($0) }
        case ServiceInterface.name + ".MethodNotFound": return text("method").map { .methodNotFound($0) }
        case ServiceInterface.name + ".MethodNotImplemented": return text("method").map { .methodNotImplemented($0) }
        case ServiceInterface.name + ".InvalidParameter": return text("parameter").map { .invalidParameter($0) }
        case ServiceInterface.name + ".PermissionDenied": return .permissionDenied
        case ServiceInterface.name + ".ExpectedMore": return .expectedMore
        default: return nil
        }
    }
}
