/// A method of an interface, with its types.
public protocol ControlMethod: SendableMetatype {
    associatedtype Parameters: Codable & Sendable & Equatable
    associatedtype Reply: Codable & Sendable & Equatable
    /// With the interface's name in front.
    static var name: String { get }
}
