import Glibc
import WstanBase
import WstanCore

/// Where the key ring outlives the process: one file in the state directory. Its methods block.
struct KeyRingFile: Sendable {
    /// It cannot be read or written; in words for an administrator.
    struct Failure: Error, Equatable, CustomStringConvertible {
        let description: String
        /// Writing is forbidden here, as opposed to going wrong.
        var isReadOnly = false
    }

    let path: String
    let directory: String

    static let name = "keyring"

    init(in directory: String) {
        self.directory = directory
        path = directory + (directory.utf8.last == UInt8(ascii: "/") ? "" : "/") + Self.name
    }

    /// A ring that cannot be read is an error and never left out: a key that was retired would be accepted again.
    ///
    /// - Returns: nil when there is none yet.
    func load() throws(Failure) -> KeyRing? { try Erasure.during { () throws(Failure) in try read() } }

    private func read() throws(Failure) -> KeyRing? {
        let bytes: [UInt8]
        do {
            bytes = try FileReader.read(path, limit: KeyRingBounds.fileSize)
        } catch {
            if error.code == ENOENT { return nil }
            throw Failure(
                description:
                    "cannot read the key ring \(path): \(error.text): let the user that wstand "
                    + "runs as read it")
        }
        do {
            return try KeyRingCodec.decode(bytes)
        } catch {
            throw Failure(
                description:
                    "the key ring \(path) \(Self.text(error)): put a copy of it back, or move it away and start "
                    + "with the configured key alone (keys that were retired may come back with it, others are lost)")
        }
    }

    func store(_ ring: KeyRing) throws(Failure) {
        do {
            try Erasure.during { () throws(SystemError) in try AtomicFile.replace(path, with: KeyRingCodec.encode(ring)) }
        } catch {
            throw Failure(
                description: "cannot write the key ring \(path): \(error)",
                isReadOnly: [EROFS, EACCES, EPERM, ENOENT, ENOTDIR].contains(error.code))
        }
    }

    /// What is wrong with the directory now, and what that will cost; nil: nothing.
    var warning: String? {
        guard access(directory, W_OK | X_OK) != 0 else { return nil }
        let cause = SystemError.text(errno)
        return
            "the state directory \(directory) cannot be written (\(cause)): keys that are added, rotated or retired while "
            + "wstand runs will not survive a restart"
    }

    /// Who else may read the keys, or change what is in the directory.
    var exposures: [String] {
        let readable = FileReader.isWorldReadable(path)
        return (readable ? ["everybody on this host can read the keys in \(path): chmod 600 \(path)"] : [])
            + [FileExposure.change(ofDirectory: directory)].compactMap { $0 }
    }

    private static func text(_ problem: KeyRingCodec.Problem) -> String {
        switch problem {
        case .tooLong: "is above \(KeyRingBounds.fileSize) bytes, so it is not a key ring"
        case .isEmpty: "is empty"
        case .unknownFormat: "is of another version of wstan, or no key ring at all"
        case .damaged: "is damaged (its checksum is wrong)"
        case .malformed(let line): "makes no sense (line \(line))"
        }
    }
}
