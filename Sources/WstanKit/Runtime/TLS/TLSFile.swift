import CLinux
import Glibc
import WstanBase

/// A file of PEM for OpenSSL, which reads it by its name, and would wait for ever for a FIFO without a writer.
struct TLSFile {
    /// As the configuration has it.
    let name: String
    /// What came through a pipe, which can be read only once.
    private let copy: MemoryFile?

    /// No bundle of certificates has so much.
    private static let most = 16 << 20

    /// What OpenSSL is to read.
    var path: String { copy?.path ?? name }

    /// Blocks.
    ///
    /// - Parameter what: the file is, in a message.
    init(_ name: String, _ what: String) throws(TLSContext.Problem) {
        self.name = name
        func unreadable(_ text: String) -> TLSContext.Problem {
            TLSContext.Problem(description: "cannot read \(what), \(Printable.line(name)): \(text)", path: name)
        }
        do throws(FileReader.Failure) {
            let bytes = try FileReader.read(name, limit: FileReader.isRegular(name) ? 0 : Self.most)
            do throws(SystemError) {
                copy = FileReader.isRegular(name) ? nil : try MemoryFile(bytes)
            } catch {
                throw .system(error)
            }
        } catch {
            throw unreadable(error.text)
        }
    }
}

/// Bytes as a file that has a name and no place on a disk (memfd_create(2)), for a library that reads files by name.
private final class MemoryFile: Sendable {
    private let descriptor: Int32

    var path: String { "/proc/self/fd/\(descriptor)" }

    init(_ bytes: [UInt8]) throws(SystemError) {
        let descriptor = try SystemError.check("memfd_create") { memfd_create("wstan", UInt32(MFD_CLOEXEC)) }
        self.descriptor = descriptor
        guard bytes.withUnsafeBytes({ BlockingCopy.write($0, to: descriptor) }) else {
            throw SystemError(call: "write", code: errno)
        }
    }

    deinit { close(descriptor) }
}
