@testable import WstanCore
@testable import WstanKit

/// Has services, and nothing beside them.
final class TestRole: Role {
    let services: [any WorkerService]
    let told = StartNotes()
    var forwarder: ClientService? { nil }
    var recentRefusals: RecentRefusals? { nil }

    init(_ services: [any WorkerService]) {
        self.services = services
    }

    func setListening(_ addresses: [SocketAddress]) {}
    func start() {}
    func apply(_ configuration: LoadedConfiguration) async {}
    func close() {}
}
