/// What the text of an interface says: its methods and errors with the types of their fields.
public struct InterfaceDescription: Sendable {
    public indirect enum FieldType: Sendable, Equatable {
        case bool, int, float, string, object, any
        case enumeration([String])
        case structure([Field])
        case array(FieldType)
        case map(FieldType)
        case nullable(FieldType)
        /// Declared with `type`.
        case named(String)
    }

    public struct Field: Sendable, Equatable {
        public let name: String
        public let type: FieldType
    }

    public struct Method: Sendable, Equatable {
        public let parameters: [Field]
        public let reply: [Field]
    }

    public let name: String
    /// By their names without the interface's.
    public private(set) var types: [String: FieldType] = [:]
    public private(set) var methods: [String: Method] = [:]
    public private(set) var errors: [String: [Field]] = [:]

    init(name: String, types: [String: FieldType], methods: [String: Method], errors: [String: [Field]]) {
        self.name = name
        self.types = types
        self.methods = methods
        self.errors = errors
    }

    /// Of a text that is part of this program.
    static func known(_ text: String) -> InterfaceDescription {
        do throws(InterfaceParser.Failure) {
            return try InterfaceDescription(text)
        } catch {
            preconditionFailure("our own interface, line \(error.line): \(error.text)")
        }
    }
}

extension ControlInterface {
    public static let description = InterfaceDescription.known(text)
}

extension ServiceInterface {
    public static let description = InterfaceDescription.known(text)
}

// MARK: Checking

extension InterfaceDescription {
    /// The first field of an object that is unknown, missing or of another type (UAPI.20, "Mapping the Type System to
    /// JSON"), with those it stands in, such as `tunnel.state`; nil when all is well.
    public func firstFault(in object: JSONObject, of fields: [Field]) -> String? {
        for member in object.members where !fields.contains(where: { $0.name == member.name }) { return member.name }
        for field in fields {
            if let fault = fault(in: object[field.name] ?? .null, of: field.type) {
                return fault.isEmpty ? field.name : field.name + "." + fault
            }
        }
        return nil
    }

    /// - Returns: nil when there is none, empty when it is the value itself. How deep it goes is bounded by the value.
    private func fault(in value: JSONValue, of type: FieldType) -> String? {
        switch (type, value) {
        case (.bool, .bool), (.int, .integer), (.float, .integer), (.float, .number), (.string, .string),
            (.object, .object):
            return nil
        case (.any, let value): return value == .null ? "" : nil
        case (.enumeration(let names), .string(let name)): return names.contains(name) ? nil : ""
        case (.structure(let fields), .object(let object)): return firstFault(in: object, of: fields)
        case (.array(let element), .array(let values)): return values.lazy.compactMap { fault(in: $0, of: element) }.first
        case (.map(let element), .object(let object)):
            return object.members.lazy.compactMap { fault(in: $0.value, of: element) }.first
        case (.nullable(let type), let value): return value == .null ? nil : fault(in: value, of: type)
        case (.named(let name), let value): return types[name].map { fault(in: value, of: $0) } ?? ""
        case (.bool, _), (.int, _), (.float, _), (.string, _), (.object, _), (.enumeration, _), (.structure, _),
            (.array, _), (.map, _):
            return ""
        }
    }
}
