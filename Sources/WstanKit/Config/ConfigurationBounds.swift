/// Bounds on what the operator's input may hold. Bounds of single values stand in the table of `SettingKey`s.
public enum ConfigurationBounds {
    /// Bytes of a configuration file. Whoever reads the file need not read more than one byte beyond it.
    public static let fileSize = 1 << 20

    /// Drop-ins of a configuration file.
    static let dropIns = 64
    /// Entries of a directory of drop-ins that are looked at.
    public static let directoryEntries = 1024
    /// Places of a list that --print-config names.
    static let placesTold = 3
    /// Diagnostics of one run, after which reading stops.
    package static let diagnostics = 100
    /// UTF-8 bytes of a URI: the path prefix rides in every request line, and fronts refuse lines of more than 8 KiB.
    static let uriLength = 1024
    /// UTF-8 bytes of a passphrase, a path or the name of a credential or variable (PATH_MAX with its NUL is 4096).
    static let textLength = 4095
    /// RFC 1035 2.3.4, in the form without the root's dot.
    static let hostNameLength = 253
    /// An IPv6 literal with a zone: INET6_ADDRSTRLEN and IFNAMSIZ.
    static let addressLiteralLength = 62
    static let listenAddresses = 64
    package static let trustedProxies = 256
    /// Bytes of a Unix socket's path: sun_path holds 108 with the NUL.
    package static let socketPathLength = 107
    /// Items of `allow`, `deny` or `direct`, each of which costs a comparison per connection.
    static let targetPatterns = 1024
    /// RFC 1035 2.3.4.
    static let labelLength = 63
    /// A host name of 253, brackets or none, and a port.
    static let hostHeaderLength = 260
    package static let headers = 32
    /// Bytes of the names and values together: fronts refuse heads of more than 8 KiB.
    static let headersLength = 4096
    static let localUsers = 256
    /// Bytes of a users file; some thousands of users.
    public static let usersFileSize = 1 << 20
    static let userNameLength = 255
    /// RFC 1929: one byte tells the length. HTTP has no bound of its own; tokens stand there too.
    static let socksCredentialLength = 255
    static let proxyCredentialLength = 1024
    /// Items of NO_PROXY.
    static let proxyExceptions = 1024
    package static let pins = 64
    package static let servers = 16
    package static let forwards = 256
    static let forwardNameLength = 64
    /// Longer words are no typing error of a key's name, and the edit distance costs the square of the length.
    static let suggestedWordLength = 40
}
