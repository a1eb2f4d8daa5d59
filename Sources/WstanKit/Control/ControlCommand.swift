import WstanControl

/// The methods of the interfaces, and who may call each.
enum ControlCommand: CaseIterable {
    case getInfo, getInterfaceDescription
    case getStatus, listTunnels, closeTunnel, listRejects
    case checkConfiguration, reload
    case listKeys, rotateKey, rotateServerKey, addKey, retireKey, getClientConfiguration
    case drain, undrain, setLogLevel

    /// - Parameter method: with its interface.
    init?(_ method: String) {
        guard let command = Self.allCases.first(where: { $0.name == method }) else { return nil }
        self = command
    }

    var name: String { type.name }

    var type: any ControlMethod.Type {
        switch self {
        case .getInfo: GetInfo.self
        case .getInterfaceDescription: GetInterfaceDescription.self
        case .getStatus: GetStatus.self
        case .listTunnels: ListTunnels.self
        case .closeTunnel: CloseTunnel.self
        case .listRejects: ListRejects.self
        case .checkConfiguration: CheckConfiguration.self
        case .reload: Reload.self
        case .listKeys: ListKeys.self
        case .rotateKey: RotateKey.self
        case .rotateServerKey: RotateServerKey.self
        case .addKey: AddKey.self
        case .retireKey: RetireKey.self
        case .getClientConfiguration: GetClientConfiguration.self
        case .drain: Drain.self
        case .undrain: Undrain.self
        case .setLogLevel: SetLogLevel.self
        }
    }

    /// Who may call it.
    var standing: ControlAuthority.Standing {
        switch type.right {
        case .everyone: .stranger
        case .group: .member
        case .owner: .owner
        }
    }

    /// Whether it changes something, or hands out a secret: it is logged who has called it.
    var isLogged: Bool {
        switch self {
        case .getInfo, .getInterfaceDescription, .getStatus, .listTunnels, .listRejects, .checkConfiguration, .listKeys: false
        case .closeTunnel, .reload, .rotateKey, .rotateServerKey, .addKey, .retireKey, .getClientConfiguration, .drain,
            .undrain, .setLogLevel:
            true
        }
    }

    /// Whether the service logs it when it is done, with what became of it; others are logged before.
    var isLoggedByService: Bool {
        switch self {
        case .rotateKey, .rotateServerKey, .addKey, .retireKey: true
        case .getInfo, .getInterfaceDescription, .getStatus, .listTunnels, .closeTunnel, .listRejects, .listKeys,
            .checkConfiguration, .reload, .getClientConfiguration, .drain, .undrain, .setLogLevel:
            false
        }
    }

    /// Whether keys may be in what it is given, does or answers.
    var handlesKeys: Bool {
        switch self {
        case .rotateKey, .rotateServerKey, .addKey, .retireKey, .getClientConfiguration, .reload, .checkConfiguration: true
        case .getInfo, .getInterfaceDescription, .getStatus, .listTunnels, .closeTunnel, .listRejects, .listKeys, .drain,
            .undrain, .setLogLevel:
            false
        }
    }

    var needsMore: Bool { self == .listTunnels || self == .listKeys }
}
