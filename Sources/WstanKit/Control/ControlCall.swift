import WstanControl

/// A call as it came (UAPI.20, "Call").
struct ControlCall: Equatable {
    /// How many replies are wanted.
    enum ReplyMode: Equatable {
        case one
        /// None at all, no error either.
        case oneway
        case more
        /// The connection itself, for something else.
        case upgrade
    }

    /// With its interface.
    let method: String
    let parameters: JSONObject
    let replyMode: ReplyMode

    /// Nothing is to be done, only said what would be.
    var isDryRun: Bool { parameters["dryRun"] == .bool(true) }

    /// Why there is no way to answer: the connection is closed.
    enum Malformed: Error, Equatable {
        case json(JSONReader.Failure)
        case noObject
        case noMethod
        /// A member of the header without a dot in its name, which the specification has not, or of another type.
        case member(String)
        case contradiction
    }

    /// - Parameter bytes: without the NUL.
    init(reading bytes: [UInt8]) throws(Malformed) {
        let value: JSONValue
        do throws(JSONReader.Failure) {
            value = try JSONReader.read(bytes, within: .call)
        } catch {
            throw .json(error)
        }
        guard case .object(let header) = value else { throw .noObject }
        var method: String?
        var parameters = JSONObject()
        var modes: [ReplyMode] = []
        for member in header.members {
            switch (member.name, member.value) {
            case ("method", .string(let name)): method = name
            case ("parameters", .object(let object)): parameters = object
            case ("oneway", .bool(true)): modes.append(.oneway)
            case ("more", .bool(true)): modes.append(.more)
            case ("upgrade", .bool(true)): modes.append(.upgrade)
            case ("oneway", .bool(false)), ("more", .bool(false)), ("upgrade", .bool(false)): continue
            // Absent and null are the same.
            case ("parameters", .null), ("oneway", .null), ("more", .null), ("upgrade", .null): continue
            // An extension, as its dotted name says.
            case (let name, _) where name.contains("."): continue
            case (let name, _): throw .member(name)
            }
        }
        guard let method else { throw .noMethod }
        guard modes.count <= 1 else { throw .contradiction }
        self.method = method
        self.parameters = parameters
        replyMode = modes.first ?? .one
    }
}
