@testable import wstanctl

extension String {
    func replacing(_ old: String, with new: String) -> String {
        split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    }
}

enum SetupFixture {
    /// What the file that comes with wstan sets.
    static let shipped = """
        # mode is what it is
        mode = server
        \t
        # the uri
        uri = ws://127.0.0.1:8080/
        key-file = /etc/wstan/key
        #key =

        [client]
        #listen = localhost:1080
        """
}

extension HostObservation {
    /// - Parameter active: nil: systemd does not run.
    init(texts files: [String: String], active: Set<String>? = []) {
        self.init(
            files: files.mapValues { Array($0.utf8) }, backups: files.mapValues { _ in "copy" }, activeUnits: active)
    }
}
