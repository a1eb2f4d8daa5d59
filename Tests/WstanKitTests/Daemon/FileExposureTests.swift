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
}
