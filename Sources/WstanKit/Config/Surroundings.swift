/// What reading a configuration looks at besides the command line.
public struct Surroundings {
    /// Gives the bytes of a file. It need not read more than one byte beyond `ConfigurationBounds.fileSize`; the
    /// description of its error becomes part of a diagnostic.
    public var readFile: (String) throws -> [UInt8]
    /// Gives the names of the regular files in a directory, links to such among them, in any order; nil when there is no
    /// such directory.
    public var fileNames: (String) throws -> [String]?
    /// Whether every user of this host may read a file.
    public var isWorldReadable: (String) -> Bool
    /// Gives the command that closes such a file to others.
    public var closingCommand: (String) -> String
    /// Says who else can change a file, each a warning.
    public var changes: (String) -> [String]
    /// Gives the value of a variable of the environment.
    public var variable: (String) -> String?

    /// - Parameter readFile: all that is there by default.
    public init(
        readFile: @escaping (String) throws -> [UInt8],
        fileNames: @escaping (String) throws -> [String]? = { _ in nil },
        isWorldReadable: @escaping (String) -> Bool = { _ in false },
        closingCommand: @escaping (String) -> String = { "chmod o-r \($0)" },
        changes: @escaping (String) -> [String] = { _ in [] }, variable: @escaping (String) -> String? = { _ in nil }
    ) {
        self.readFile = readFile
        self.fileNames = fileNames
        self.isWorldReadable = isWorldReadable
        self.closingCommand = closingCommand
        self.changes = changes
        self.variable = variable
    }
}
