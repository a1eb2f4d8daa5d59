import Foundation

/// Makes a folder, and those above it, that only its owner may enter. Without a mode of its own it would have what the umask
/// leaves, and binding a socket for all users sets that to 0 for a moment, for every test of this process.
func makeFolder(_ path: String) throws {
    try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
}
