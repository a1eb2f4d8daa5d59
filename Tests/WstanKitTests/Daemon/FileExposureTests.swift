import Glibc
import Testing

@testable import WstanKit

@Suite struct FileExposureTests {
    /// `chmod o-r` there would keep the service itself out.
    @Test func `root's own file is given to the service's group`() {
        func command(_ owner: UInt32, _ group: UInt32) -> String {
            FileExposure.command("/f", owner: owner, group: group, serviceGroup: 110)
        }
        #expect(command(0, 0) == "chown root:wstan /f; chmod 640 /f")
        #expect(command(0, 4) == "chown root:wstan /f; chmod 640 /f")
        #expect(command(0, 110) == "chmod o-r /f")
        #expect(command(109, 0) == "chmod o-r /f")
        #expect(command(1000, 1000) == "chmod o-r /f")
    }

    private func writer(_ mode: mode_t, owner: uid_t = 0, group: gid_t = 0, isDirectory: Bool = false) -> FileExposure.Writer? {
        var status = stat()
        status.st_mode = mode | (isDirectory ? S_IFDIR : S_IFREG)
        (status.st_uid, status.st_gid) = (owner, group)
        return FileExposure.writer(status, user: 1000, service: (user: 109, group: 110)) { $0 == 1000 ? 1001 : nil }
    }

    @Test func `whoever can write in a file beside root, the service and this user is found`() {
        #expect(writer(0o600) == nil && writer(0o644) == nil && writer(0o640, owner: 109, group: 110) == nil)
        #expect(writer(0o666) == .everybody && writer(0o602) == .everybody)
        #expect(writer(0o620, group: 5) == .group(5) && writer(0o660, group: 110) == nil && writer(0o660) == nil)
        #expect(writer(0o660, owner: 1000, group: 1001) == nil && writer(0o660, owner: 1000, group: 1002) == .group(1002))
        #expect(writer(0o600, owner: 1000) == nil && writer(0o600, owner: 7) == .user(7) && writer(0o600, owner: 65_534) == nil)
    }

    @Test func `in a directory with the sticky bit others replace nothing`() {
        #expect(writer(0o1777, isDirectory: true) == nil && writer(0o777, isDirectory: true) == .everybody)
        #expect(writer(0o775, group: 5, isDirectory: true) == .group(5) && writer(0o755, isDirectory: true) == nil)
        #expect(writer(0o1666) == .everybody)
    }

    @Test func `each risk is said with its remedy`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/key"
        try #require(creat(path, 0o600) >= 0)
        #expect(FileExposure.warnings(path, holding: "the key").isEmpty)
        chmod(path, 0o666)
        let warnings = FileExposure.warnings(path, holding: "the key")
        #expect(warnings.count == 2 && warnings[0].hasPrefix("every user of this host can read the key in \(path): "))
        #expect(warnings[1] == "every user of this host can change \(path): chmod go-w \(path)")
        chmod(path, 0o600)
        chmod(folder.path, 0o777)
        #expect(
            FileExposure.warnings(path, holding: "the key")
                == ["every user of this host can replace \(path) in \(folder.path): chmod go-w \(folder.path)"])
        #expect(
            FileExposure.change(ofDirectory: folder.path)
                == "every user of this host can change what is in \(folder.path): chmod go-w \(folder.path)")
        #expect(FileExposure.changes(of: "/no/such").isEmpty)
    }

    @Test func `a group that can read a file is found, unless it is the owner's, the service's or this process's`() {
        func reader(_ mode: mode_t, owner: uid_t = 0, group: gid_t) -> gid_t? {
            var status = stat()
            status.st_mode = mode | S_IFREG
            (status.st_uid, status.st_gid) = (owner, group)
            return FileExposure.reader(status, service: 110, primaryGroup: { $0 == 1000 ? 1001 : nil }, isOurs: { $0 == 12 })
        }
        #expect(reader(0o640, group: 5) == 5 && reader(0o600, group: 5) == nil && reader(0o620, group: 5) == nil)
        #expect(reader(0o640, group: 0) == nil && reader(0o640, group: 110) == nil && reader(0o640, group: 12) == nil)
        #expect(reader(0o640, owner: 1000, group: 1001) == nil && reader(0o640, owner: 1000, group: 1002) == 1002)
    }

    @Test func `who can replace a link on the way to a file is told`() throws {
        let folder = try TemporaryFolder()
        let (path, open) = (folder.path + "/key", folder.path + "/open")
        try #require(creat(path, 0o600) >= 0)
        try #require(mkdir(open, 0o700) == 0 && symlink("../key", open + "/link") == 0)
        let link = open + "/link"
        #expect(FileExposure.changes(of: link).isEmpty)
        chmod(open, 0o777)
        #expect(
            FileExposure.changes(of: link) == ["every user of this host can replace \(link) in \(open): chmod go-w \(open)"])
        // A link to a link, and one of a directory.
        try #require(symlink(link, folder.path + "/first") == 0 && symlink("open", folder.path + "/way") == 0)
        for name in ["first", "way/link", "way/../open/./link"] {
            #expect(FileExposure.changes(of: "\(folder.path)/\(name)").count == 1, "\(name)")
        }
        #expect(FileExposure.changes(of: folder.path + "/way/../key").isEmpty)
    }

    @Test func `the links of a path are found in their order, and a loop ends`() throws {
        let folder = try TemporaryFolder()
        func name(_ link: LinkPath.Link) -> String { link.name }
        try #require(symlink("b", folder.path + "/a") == 0 && symlink("a", folder.path + "/b") == 0)
        let links = LinkPath.links(of: folder.path + "/a").map(name).filter { $0 == "a" || $0 == "b" }
        #expect(links.prefix(3) == ["a", "b", "a"] && links.count <= 40)
        #expect(!LinkPath.links(of: folder.path + "/no/such").map(name).contains("no"))
        #expect(LinkPath.links(of: "/").isEmpty && LinkPath.links(of: "").isEmpty)
    }
}
