/// One reply to a call (UAPI.20, "Reply").
public struct ControlReply: Sendable, Equatable {
    public var parameters: JSONObject
    /// Others follow.
    public var continues = false
    /// With its interface.
    public var error: String?

    public init(_ parameters: JSONObject, continues: Bool = false) {
        self.parameters = parameters
        self.continues = continues
    }

    public init(_ error: ControlError) {
        let message = error.message
        self.error = message.name
        parameters = message.parameters
    }

    /// Why bytes are no reply.
    public struct Malformed: Error, Equatable {
        public let text: String
    }

    /// - Parameter bytes: without the NUL.
    public init(reading bytes: [UInt8]) throws(Malformed) {
        let value: JSONValue
        do throws(JSONReader.Failure) {
            value = try JSONReader.read(bytes, within: .reply)
        } catch {
            throw Malformed(text: "not JSON (\(error))")
        }
        guard case .object(let object) = value else { throw Malformed(text: "not an object") }
        switch object["parameters"] {
        case .object(let given)?: parameters = given
        case nil, .null?: parameters = JSONObject()
        default: throw Malformed(text: "its parameters are no object")
        }
        switch object["continues"] {
        case .bool(let given)?: continues = given
        case nil, .null?: continues = false
        default: throw Malformed(text: "what it says of others to follow is not true or false")
        }
        switch object["error"] {
        case .string(let given)?: error = given
        case nil, .null?: error = nil
        default: throw Malformed(text: "its error is no name")
        }
        guard error == nil || !continues else { throw Malformed(text: "an error that continues") }
    }

    /// Without the NUL.
    public var bytes: [UInt8] {
        var object = JSONObject()
        if let error { object.append("error", .string(error)) }
        if !parameters.isEmpty { object.append("parameters", .object(parameters)) }
        if continues { object.append("continues", .bool(true)) }
        return JSONValue.object(object).text
    }
}
