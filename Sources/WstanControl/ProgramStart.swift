import CStart
import Glibc

/// The first thing that both programs do.
public enum ProgramStart {
    /// Secures the standard streams, and keeps what the process holds from dumps and from others of the same user.
    ///
    /// - Returns: the arguments without the program's name.
    public static func begin() -> [String] {
        secureStandardStreams()
        wstan_forbid_dumps()
        let arguments = wstan_arguments()
        return (0..<Int(wstan_argument_count())).dropFirst().compactMap { index in
            arguments?[index].map { String(cString: $0) }
        }
    }

    /// Overwrites a text wherever it stands in the arguments of the process, which every user of this host can read.
    public static func eraseArgument(_ text: String) {
        text.withCString { wstan_erase_argument($0) }
    }

    /// Opens what is closed of descriptors 0 to 2. Otherwise the next socket or file gets that number, and log lines are
    /// written into it.
    private static func secureStandardStreams() {
        while true {
            // The lowest free descriptor comes first (POSIX open()).
            var descriptor = open("/dev/null", O_RDWR)
            // A chroot may have no devices. Reading from and writing to a path alone fail.
            if descriptor < 0 { descriptor = open("/", pathOnly) }
            guard (0...STDERR_FILENO).contains(descriptor) else {
                if descriptor > STDERR_FILENO { close(descriptor) }
                return
            }
        }
    }

    /// O_PATH of open(2), which Swift does not import.
    private static let pathOnly: Int32 = 0o10000000
}
