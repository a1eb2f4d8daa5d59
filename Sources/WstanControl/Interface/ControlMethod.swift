/// A method of an interface, with its types.
public protocol ControlMethod: SendableMetatype {
    associatedtype Parameters: Codable & Sendable & Equatable
    associatedtype Reply: Codable & Sendable & Equatable
    /// With the interface's name in front.
    static var name: String { get }
    /// Who may call it. Help texts, errors and the manual are held to it.
    static var right: Control.Right { get }
}

extension Control {
    /// Who may call a method. Who has one of these has those before it, too.
    public enum Right: Int, Comparable, CaseIterable, Sendable {
        /// Every user of the host.
        case everyone
        /// The members of the control group.
        case group
        /// Root, and the user that the daemon runs as.
        case owner

        public static func < (a: Right, b: Right) -> Bool { a.rawValue < b.rawValue }
    }
}
