/// What keys ask of each other. A key alone has been checked when it was read.
struct SettingConstraints {
    let file: SettingsLayer?
    let commandLine: SettingsLayer

    /// - Parameter uriPlace: of the URI, or the first of them.
    func check(_ settings: Settings, at uriPlace: Diagnostic.Place, _ diagnostics: inout DiagnosticList) {
        switch settings.mode {
        case .server: checkServer(settings, uriPlace, &diagnostics)
        case .client: checkClient(settings, uriPlace, &diagnostics)
        }
    }

    private func checkServer(
        _ settings: Settings, _ uriPlace: Diagnostic.Place, _ diagnostics: inout DiagnosticList
    ) {
        checkIdentity(settings.tls, uriPlace, &diagnostics)
        let tls = settings.tls
        if tls.clientCA != nil, tls.certificate == nil {
            let text =
                "client-ca is checked where TLS ends, and that is not here: add certificate and key, or remove it"
            diagnostics.add(.error, at: place("tls.client-ca") ?? uriPlace, text)
        }
        if tls.certificate != nil, settings.uri.scheme == .ws {
            let text = "a certificate with ws://, but the scheme decides who seals: write wss:// in uri"
            diagnostics.add(.error, at: place("tls.certificate") ?? uriPlace, text)
        }
    }

    /// A server's certificate, or the one that a client shows to servers that want one.
    private func checkIdentity(
        _ tls: TLSSettings, _ uriPlace: Diagnostic.Place, _ diagnostics: inout DiagnosticList
    ) {
        if tls.certificate != nil, tls.key == nil {
            let text = "certificate needs its private key: name it by key in [tls] (--tls-key)"
            diagnostics.add(.error, at: place("tls.certificate") ?? uriPlace, text)
        }
        if tls.key != nil, tls.certificate == nil {
            let text = "key in [tls] needs its certificate: name it by certificate (--tls-certificate)"
            diagnostics.add(.error, at: place("tls.key") ?? uriPlace, text)
        }
    }

    private func checkClient(
        _ settings: Settings, _ uriPlace: Diagnostic.Place, _ diagnostics: inout DiagnosticList
    ) {
        checkIdentity(settings.tls, uriPlace, &diagnostics)
        if !settings.tls.verify {
            let text = "verify = no lets anybody on the way pose as the server: name its CA by ca-file instead"
            diagnostics.add(.warning, at: place("tls.verify") ?? uriPlace, text)
        }
        if !settings.tls.pins.isEmpty, settings.uris.allSatisfy({ $0.scheme == .ws }) {
            let text =
                "pin-sha256 has no effect with ws://, which has no certificates: remove it, or write wss:// in uri"
            diagnostics.add(.warning, at: place("tls.pin-sha256") ?? uriPlace, text)
        }
        if settings.compatible, settings.headers.contains(where: { $0.name.lowercased() == "cookie" }) {
            let text = "compatible mode makes the Cookie field itself: remove it from header"
            diagnostics.add(.error, at: place("client.header") ?? uriPlace, text)
        }
        if settings.poolMin > settings.poolSize, let place = place("pool.min") {
            let text = "min is above size, and there are never more tunnels than that: lower min or raise size"
            diagnostics.add(.warning, at: place, text)
        }
    }

    private func place(_ identifier: String) -> Diagnostic.Place? {
        commandLine.traces.places(of: identifier).last ?? file?.traces.places(of: identifier).last
    }
}
