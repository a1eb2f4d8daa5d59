import WstanCore

/// What the process is for, as a client or a server is. A role has a service on each worker, and owns what these share. Confined
/// to the main worker.
protocol Role: AnyObject, Sendable {
    /// One for each worker, in their order.
    var services: [any WorkerService] { get }
    /// What an administrator should be told at the start.
    var told: StartNotes { get }
    /// Makes the forwards for datagrams, on the main worker; nil where a role has none.
    var forwarder: ClientService? { get }
    /// What a role has refused lately; nil where it refuses no requests.
    var recentRefusals: RecentRefusals? { get }
    /// What bounds the connections that the role's listeners accept; nil where nothing does.
    var limiter: HandshakeLimiter? { get }
    /// What the role shows to its peers; nil without TLS, or where a front speaks it.
    var certificate: ShownCertificate? { get }
    /// What the services share goes by these keys from now on; each service is given them apart from it.
    func install(_ ring: KeyRing)
    /// The process listens at these addresses from now on.
    func setListening(_ addresses: [SocketAddress])
    /// The process listens, and the workers run.
    func start()
    /// Puts another configuration in force; returns when every service works by it. Established connections keep what they
    /// began with. Keys are installed apart from it.
    func apply(_ configuration: LoadedConfiguration) async
    /// The last thing, when the workers have stopped. Blocks.
    func close()
}

/// What an administrator should be told at the start. The log has both.
struct StartNotes {
    /// What is wrong, and stays so: the status shows it until a reload.
    var warnings: [String] = []
    /// What was found or done, with nothing left to see to.
    var news: [String] = []
}

extension Role {
    var certificate: ShownCertificate? { nil }
    var limiter: HandshakeLimiter? { nil }
    func install(_ ring: KeyRing) {}
}
