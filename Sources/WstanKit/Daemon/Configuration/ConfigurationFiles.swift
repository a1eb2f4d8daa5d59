import WstanBase
import WstanConfig
import WstanCore

/// The files that a configuration was read from, as they were then: itself, its drop-ins, and those that it names and that only a
/// reload reads again. A server's certificate is not among them: a change of that is found by itself.
struct ConfigurationFiles: Sendable {
    private let arguments: SecretArguments
    /// Paths.
    private let named: [String]
    /// Where the key stands, and the file when it was read.
    private let key: (source: KeySource, mark: FileMark)?
    private let isClient: Bool
    private let marks: [String: FileMark]

    /// To be made before they are read: what changes meanwhile counts as changed. Blocks.
    ///
    /// - Parameters:
    ///   - arguments: those that led to the settings, without the program's name.
    ///   - settings: name further files.
    init(of arguments: SecretArguments, naming settings: Settings) {
        self.init(arguments, settings.filesOfReloads, settings.key, isClient: settings.mode == .client)
    }

    private init(_ arguments: SecretArguments, _ named: [String], _ source: KeySource?, isClient: Bool) {
        self.arguments = arguments
        self.named = named
        self.isClient = isClient
        key = if case .file(let path)? = source { (.file(path), FileMark(of: path)) } else { nil }
        var paths = named
        if let file = Erasure.during({ CommandLineArguments(arguments.words).file }) {
            paths += [file] + DropIns(of: file, fileNames: Surroundings.system.fileNames).paths
        }
        marks = Dictionary(paths.map { ($0, FileMark(of: $0)) }) { first, _ in first }
    }

    enum Look: Sendable {
        case same
        case changed
        /// Only the key's file has changed, which holds this key now. wstand itself may have written it.
        case key(TunnelKey)
    }

    /// Blocks.
    func look() -> Look {
        let now = ConfigurationFiles(arguments, named, key?.source, isClient: isClient)
        guard now.marks == marks else { return .changed }
        guard let key, now.key?.mark != key.mark else { return .same }
        return (try? KeyLoader.load(key.source, isClient: isClient)).map { .key($0.key) } ?? .changed
    }
}

extension Settings {
    /// Whether a configuration with these settings is read from other files.
    func namesOtherFiles(than other: Settings) -> Bool {
        filesOfReloads != other.filesOfReloads || key != other.key
    }

    fileprivate var filesOfReloads: [String] {
        guard mode == .client else { return [] }
        return [usersFile, tls.caFile, tls.certificate, tls.key].compactMap { $0 }
    }
}
