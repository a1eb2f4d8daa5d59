import CLinux
import Glibc
import WstanBase
import WstanConfig
import WstanCore

/// Looks at a server from its own host. Confined to its worker.
struct ServerCheck: @unchecked Sendable {
    let worker: Worker
    let settings: Settings
    let files: FileCheck
    let resolver: Resolver
    let descriptorLimit: Int
    let unit: ServiceUnit?
    let tell: (Finding) -> Void

    /// RFC 2606 section 3: it is there for examples, and everybody's name servers know it.
    private static let example = "example.com"

    /// - Returns: whether wstand runs; nil when that cannot be told.
    func run() async -> Bool? {
        let isRunning = await ListenCheck(worker: worker, settings: settings, files: files, unit: unit, tell: tell).run()
        await lookUp()
        let sighting = HostObservation(
            clockIsSynchronised: Self.clockIsSynchronised, descriptorLimit: descriptorLimit,
            maxTunnels: settings.maxTunnels, hasIPv6: Self.hasIPv6, requestLifetime: settings.requestTTL)
        for finding in sighting.findings { tell(finding) }
        return isRunning
    }

    /// Most targets come as names.
    private func lookUp() async {
        let sighting = await resolver.sight(
            Self.example, port: 443, on: worker, until: worker.now + DoctorLimits.step)
        let finding = sighting.finding
        guard finding.isFailure else { return tell(finding) }
        tell(
            .warning(
                "name", "\(finding.text), so targets may not be reached by their names",
                remedy: "look at the name servers in /etc/resolv.conf, and whether they are reached"))
    }

    /// adjtimex(2), which changes nothing here; nil where it is not allowed.
    private static var clockIsSynchronised: Bool? {
        var state = timex()
        let result = adjtimex(&state)
        guard result >= 0 else { return nil }
        return result != TIME_ERROR && state.status & STA_UNSYNC == 0
    }

    /// Whether packets to the world (2000::/3 is all of it) would find a way.
    private static var hasIPv6: Bool {
        let world = SocketAddress.ipv6(IPv6Address(high: 0x2000_0000_0000_0000, low: 1), port: 443, scope: 0)
        return LocalRoute.source(toward: world).map { !$0.isLoopback } ?? false
    }
}
