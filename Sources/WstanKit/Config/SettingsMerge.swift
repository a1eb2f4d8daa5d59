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
        let uri = commandLine.uri ?? file?.uri
        let key = commandLine.key ?? file?.key
        // A refused value has had its error: it is wrong, not missing.
        let refused = commandLine.refused.union(file?.refused ?? [])
        let lacksURI = uri == nil && !refused.contains("uri")
        let lacksKey = key == nil && refused.isDisjoint(with: ["key", "key-file"])
        if isWhole, lacksURI || lacksKey { reportMissing(uri: lacksURI, key: lacksKey, at: filePath, &diagnostics) }
        guard let uri else { return nil }
        if mode == .client {
            if uri.value.scheme == .wss {
                let text = "wss:// is not in this version; give both ends a ws:// URI, which the key seals"
                diagnostics.add(.error, at: uri.place, text)
            }
            if uri.value.port == 0 {
                diagnostics.add(.error, at: uri.place, "a client cannot connect to port 0: name the server's port")
            }
        }
        guard let key else { return nil }
        var settings = Settings(mode: mode, uri: uri.value, key: key)
        let standard = settings.listen
        for layer in [file, commandLine] {
            guard let layer else { continue }
            layer.apply(to: &settings)
            let choice = mode == .client ? layer.clientListen : layer.serverListen
            settings.listen = choice.overriding(settings.listen, standard: standard)
        }
        return settings
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
