/// Encodes the interface's types: a field that is nil is left out (UAPI.20, "Nullable Fields and Absent Fields").
public enum ControlCoding {
    /// A structure becomes an object.
    public static func object(of value: some Encodable) -> JSONObject {
        let encoder = Encoding(path: [])
        do {
            try value.encode(to: encoder)
        } catch {
            preconditionFailure("\(type(of: value)) cannot be encoded: \(error)")
        }
        guard case .object(let object) = encoder.box.value else { return JSONObject() }
        return object
    }
}

/// What is being made; the containers of one value share it.
private final class Box {
    var value: JSONValue?
}

private struct Encoding: Encoder {
    let box = Box()
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(path: [any CodingKey]) {
        codingPath = path
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        box.value = .object(JSONObject())
        return KeyedEncodingContainer(Keyed<Key>(box: box, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        box.value = .array([])
        return Unkeyed(box: box, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { Single(box: box, codingPath: codingPath) }

    static func value(of value: some Encodable, at path: [any CodingKey]) throws -> JSONValue {
        switch value {
        case let value as Bool: return .bool(value)
        case let value as String: return .string(value)
        case let value as any BinaryInteger:
            guard let integer = Int(exactly: value) else { break }
            return .integer(integer)
        case let value as Double: return .number(value)
        default:
            let encoder = Encoding(path: path)
            try value.encode(to: encoder)
            return encoder.box.value ?? .object(JSONObject())
        }
        throw EncodingError.invalidValue(value, .init(codingPath: path, debugDescription: "not a number of 64 bits"))
    }
}

private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let box: Box
    let codingPath: [any CodingKey]

    private func append(_ key: Key, _ value: JSONValue) {
        guard case .object(var object) = box.value else { return }
        // The copy would otherwise be made at every member.
        box.value = nil
        object.append(key.stringValue, value)
        box.value = .object(object)
    }

    mutating func encodeNil(forKey key: Key) { append(key, .null) }

    mutating func encode(_ value: some Encodable, forKey key: Key) throws {
        append(key, try Encoding.value(of: value, at: codingPath + [key]))
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        preconditionFailure("no type of the interface nests by hand")
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        preconditionFailure("no type of the interface nests by hand")
    }

    mutating func superEncoder() -> any Encoder { preconditionFailure("no type of the interface is a class") }
    mutating func superEncoder(forKey key: Key) -> any Encoder { superEncoder() }
}

private struct Unkeyed: UnkeyedEncodingContainer {
    let box: Box
    let codingPath: [any CodingKey]
    private(set) var count = 0

    init(box: Box, codingPath: [any CodingKey]) {
        self.box = box
        self.codingPath = codingPath
    }

    private mutating func append(_ value: JSONValue) {
        guard case .array(var values) = box.value else { return }
        box.value = nil
        values.append(value)
        box.value = .array(values)
        count += 1
    }

    mutating func encodeNil() { append(.null) }

    mutating func encode(_ value: some Encodable) throws {
        append(try Encoding.value(of: value, at: codingPath))
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        preconditionFailure("no type of the interface nests by hand")
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        preconditionFailure("no type of the interface nests by hand")
    }

    mutating func superEncoder() -> any Encoder { preconditionFailure("no type of the interface is a class") }
}

private struct Single: SingleValueEncodingContainer {
    let box: Box
    let codingPath: [any CodingKey]

    mutating func encodeNil() { box.value = .null }

    mutating func encode(_ value: some Encodable) throws {
        box.value = try Encoding.value(of: value, at: codingPath)
    }
}
