/// The interface that every Varlink service has (varlink.org, UAPI.20).
public enum ServiceInterface {
    public static let name = "org.varlink.service"

    public static let text = """
        # What every Varlink service has: it tells of itself and of its interfaces.
        interface org.varlink.service

        # Who made the service, and which interfaces it has
        method GetInfo() -> (
          vendor: string,
          product: string,
          version: string,
          url: string,
          interfaces: []string
        )

        # The text of one interface
        method GetInterfaceDescription(interface: string) -> (description: string)

        # The service has no such interface
        error InterfaceNotFound (interface: string)

        # The interface has no such method
        error MethodNotFound (method: string)

        # The interface has the method, this service has not, or not in the way it was called
        error MethodNotImplemented (method: string)

        # A parameter is missing, unknown, of another type or out of range
        error InvalidParameter (parameter: string)

        # The caller may not do this
        error PermissionDenied ()

        # The method has to be called with 'more'
        error ExpectedMore ()

        """
}
