/// The interface of the control socket. The text is the file beside this one, which a test holds it to, so that the program
/// needs no file at run time.
public enum ControlInterface {
    public static let name = "org.wstan.control"

    /// As `org.varlink.service.GetInterfaceDescription` sends it.
    public static let text = types + methods
}
