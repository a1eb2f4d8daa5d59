/// The instances that are set up on this host, running or not.
enum ExpectedInstances {
    /// Those that a service manager starts; without any, those that `wstanctl init` has made a configuration for.
    static func find() -> [Instance] {
        choose(
            enabled: enabledSystemUnits.map { InstanceSearch.of(.system, $0) }
                + userInstances,
            clients: InstanceSearch.configured(), hasServer: !InstanceSearch.dropIns(in: "/etc/wstan.conf.d").isEmpty,
            own: InstanceSearch.configuredByUser())
    }

    /// - Parameters:
    ///   - clients: of which there is a configuration.
    ///   - hasServer: whether there is a drop-in for /etc/wstan.conf, which a package brings along.
    ///   - own: of this user, of which there is a configuration.
    static func choose(enabled: [Instance], clients: [String], hasServer: Bool, own: [Instance] = []) -> [Instance] {
        let others = own.filter { !enabled.contains($0) }
        if !enabled.isEmpty { return enabled + others }
        return ((hasServer ? [nil] : []) + clients.map { .some($0) }).map { InstanceSearch.of(.system, $0) } + others
    }

    private static var enabledSystemUnits: [String?] { units(wantedIn: "/etc/systemd/system") }

    private static var userInstances: [Instance] {
        guard let directory = InstanceSearch.configurationDirectory else { return [] }
        return units(wantedIn: directory + "/systemd/user").map { InstanceSearch.of(.user, $0) }
    }

    /// What `systemctl enable` has linked to: wstand.service, wstand@NAME.service.
    private static func units(wantedIn directory: String) -> [String?] {
        let wants = InstanceSearch.entries(of: directory).filter { $0.hasSuffix(".wants") }
        let names = wants.flatMap { InstanceSearch.entries(of: "\(directory)/\($0)") }
        var units: [String?] = []
        for name in Set(names).sorted() where name.hasPrefix("wstand") && name.hasSuffix(".service") {
            if let unit = UnitName(name) { units.append(unit.instance) }
        }
        return units
    }
}
