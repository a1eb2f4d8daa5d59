extension ControlCoding {
    /// What is not declared is passed over, as a client should (UAPI.20, "Unknown Fields").
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from object: JSONObject
    ) throws(DecodingError) -> Value {
        do {
            return try Value(from: Decoding(value: .object(object), codingPath: []))
        } catch let error as DecodingError {
            throw error
        } catch {
            throw .dataCorrupted(.init(codingPath: [], debugDescription: "\(error)"))
        }
    }
}

private struct Decoding: Decoder {
    let value: JSONValue
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let object) = value else { throw mismatch(type) }
        return KeyedDecodingContainer(KeyedMembers<Key>(object: object, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let values) = value else { throw mismatch([Any].self) }
        return Elements(values: values, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    private func mismatch(_ type: Any.Type) -> DecodingError {
        .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "another type"))
    }
}

extension Decoding: SingleValueDecodingContainer {
    func decodeNil() -> Bool { value == .null }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        switch value {
        case .bool(let value as Value): return value
        case .string(let value as Value): return value
        case .integer(let value as Value): return value
        case .number(let value as Value): return value
        case .integer(let value):
            if let value = Double(value) as? Value { return value }
        case .null, .bool, .string, .number, .array, .object: break
        }
        // What is no enumeration and no structure would ask here again, without an end.
        if type is Bool.Type || type is String.Type || type is any Numeric.Type { throw mismatch(type) }
        return try Value(from: self)
    }
}

private struct KeyedMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: JSONObject
    let codingPath: [any CodingKey]
    var allKeys: [Key] { object.members.compactMap { Key(stringValue: $0.name) } }

    func contains(_ key: Key) -> Bool { object[key.stringValue] != nil }

    func decodeNil(forKey key: Key) -> Bool { object[key.stringValue].map { $0 == .null } ?? true }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        guard let value = object[key.stringValue] else {
            throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: "not there"))
        }
        return try Decoding(value: value, codingPath: codingPath + [key]).decode(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder(forKey: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(forKey: key).unkeyedContainer()
    }

    func superDecoder() -> any Decoder { Decoding(value: .object(object), codingPath: codingPath) }
    func superDecoder(forKey key: Key) -> any Decoder { decoder(forKey: key) }

    private func decoder(forKey key: Key) -> Decoding {
        Decoding(value: object[key.stringValue] ?? .null, codingPath: codingPath + [key])
    }
}

private struct Elements: UnkeyedDecodingContainer {
    let values: [JSONValue]
    let codingPath: [any CodingKey]
    var currentIndex = 0

    init(values: [JSONValue], codingPath: [any CodingKey]) {
        self.values = values
        self.codingPath = codingPath
    }

    var count: Int? { values.count }
    var isAtEnd: Bool { currentIndex >= values.count }

    private mutating func next() throws -> Decoding {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(Any.self, .init(codingPath: codingPath, debugDescription: "the end"))
        }
        defer { currentIndex += 1 }
        return Decoding(value: values[currentIndex], codingPath: codingPath)
    }

    mutating func decodeNil() -> Bool {
        guard !isAtEnd, values[currentIndex] == .null else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next().unkeyedContainer() }
    mutating func superDecoder() throws -> any Decoder { try next() }
}
