/// The names in a list of challenges (RFC 9110 section 11.6.1): what `Proxy-Authenticate` offers.
enum AuthenticationSchemes {
    /// More than proxies offer; a name that is shown to a person is cut to this length.
    private static let most = 8
    private static let longestName = 20

    /// In their order, as they came; of fields that cannot be understood, what can.
    static func offered(by head: HTTPHead, in field: String) -> [String] {
        var names: [String] = []
        for value in head.values(of: field) {
            for item in items(of: value) {
                guard names.count < most else { return names }
                if let name = scheme(item) { names.append(name) }
            }
        }
        return names
    }

    /// Cut at the commas outside of quotes.
    private static func items(of value: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var items: [ArraySlice<UInt8>] = []
        var start = value.startIndex
        var isQuoted = false
        var isEscaped = false
        for index in value.indices {
            let byte = value[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == UInt8(ascii: ","), !isQuoted {
                items.append(value[start..<index])
                start = index + 1
            }
        }
        items.append(value[start...])
        return items
    }

    /// A token with nothing or a blank behind it begins a challenge; one with `=` behind it is a parameter of the
    /// challenge before.
    private static func scheme(_ item: ArraySlice<UInt8>) -> String? {
        let text = item.drop(while: \.isBlank)
        let name = text.prefix(while: HTTPHead.isTokenByte)
        let rest = text[name.endIndex...]
        guard !name.isEmpty, rest.first?.isBlank ?? true,
            rest.drop(while: \.isBlank).first != UInt8(ascii: "=")
        else { return nil }
        return String(decoding: name.prefix(longestName), as: UTF8.self)
    }
}
