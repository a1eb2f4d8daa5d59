extension Settings {
    /// The command line over the file over the defaults. nil when something needed is missing or wrong, which
    /// `diagnostics` then says; the layers' own diagnostics are not repeated.
    ///
    /// - Parameter isWhole: false when lines of the file could not be taken apart: nothing is called missing then.
    static func merged(
        file: SettingsLayer?, at filePath: String?, isWhole: Bool, commandLine: SettingsLayer,
        diagnostics: inout DiagnosticList
    ) -> Settings? {
        let mode = commandLine.mode ?? file?.mode ?? .client
        let stated = commandLine.uris.isEmpty ? file?.uris ?? [] : commandLine.uris
        let key = commandLine.key ?? file?.key
        // A refused value has had its error: it is wrong, not missing.
        let refused = commandLine.refused.union(file?.refused ?? [])
        let lacksURI = stated.isEmpty && !refused.contains("uri")
        let lacksKey = key == nil && refused.isDisjoint(with: ["key", "key-file"])
        if isWhole, lacksURI || lacksKey { reportMissing(uri: lacksURI, key: lacksKey, at: filePath, &diagnostics) }
        guard let first = stated.first else { return nil }
        checkServers(stated, mode, &diagnostics)
        guard let key else { return nil }
        var settings = Settings(mode: mode, uri: first.value, key: key)
        settings.uris = stated.map(\.value)
        let standard = settings.listen
        for layer in [file, commandLine] {
            guard let layer else { continue }
            layer.apply(to: &settings)
            let choice = mode == .client ? layer.clientListen : layer.serverListen
            settings.listen = choice.overriding(settings.listen, standard: standard)
            // As with lists, the command line's replace the file's.
            if !layer.forwards.isEmpty { settings.forwards = layer.forwards }
        }
        SettingDuties(file: file, commandLine: commandLine).check(settings, at: first.place, &diagnostics)
        return settings
    }

    private static func checkServers(
        _ uris: [SettingsLayer.Placed<ServerURI>], _ mode: Mode, _ diagnostics: inout DiagnosticList
    ) {
        switch mode {
        case .client:
            for uri in uris where uri.value.port == 0 {
                diagnostics.add(.error, at: uri.place, "a client cannot connect to port 0: name the server's port")
            }
        case .server:
            for uri in uris.dropFirst() {
                let text = "a server has one URI, and here is another: keep one (listen takes several addresses)"
                diagnostics.add(.error, at: uri.place, text)
            }
        }
    }

    private static func reportMissing(
        uri lacksURI: Bool, key lacksKey: Bool, at filePath: String?, _ diagnostics: inout DiagnosticList
    ) {
        if let filePath {
            if lacksURI { diagnostics.add(.error, at: .file(filePath), "no URI: add the line uri = ws://host:port/") }
            if lacksKey { diagnostics.add(.error, at: .file(filePath), "no key: add the line key-file = PATH") }
        } else {
            let what = lacksURI ? lacksKey ? "no URI and no key" : "no URI" : "no key"
            diagnostics.add(.error, at: .commandLine, "\(what): give URI and KEY, or name a file with -i")
        }
    }
}
