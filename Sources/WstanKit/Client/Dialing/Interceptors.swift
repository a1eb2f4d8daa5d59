/// Products that open TLS between a network and the world, by what they call themselves in certificates.
package enum Interceptors {
    private static let names = [
        "Zscaler", "Netskope", "Fortinet", "FortiGate", "Palo Alto", "Blue Coat", "Umbrella", "Sophos", "Check Point",
        "WatchGuard", "Barracuda", "SonicWall", "Forcepoint", "Websense", "McAfee", "Skyhigh", "Trend Micro",
        "Kaspersky", "avast", "Avast", "ESET", "Bitdefender", "AdGuard", "Untangle", "Smoothwall", "Lightspeed",
        "iboss", "Cato Networks", "Gateway CA", "mitmproxy", "Squid", "Charles Proxy", "PortSwigger", "Fiddler",
    ]

    package static func name(in issuer: String) -> String? {
        names.first { issuer.contains($0) }
    }
}
