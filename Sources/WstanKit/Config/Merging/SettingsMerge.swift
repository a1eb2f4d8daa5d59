/// The command line over the files over the defaults.
struct SettingsMerge {
    let file: SettingsLayer?
    /// nil: there is none.
    let filePath: String?
    let commandLine: SettingsLayer
    let places: InstancePlaces

    private var layers: [SettingsLayer] { [file, commandLine].compactMap { $0 } }

    private var mode: Settings.Mode { commandLine.mode ?? file?.mode ?? .standard }

    private var uris: [SettingsLayer.Placed<ServerURI>] {
        let stated = commandLine.uris.isEmpty ? file?.uris ?? [] : commandLine.uris
        switch mode {
        case .client: return stated
        // A server has one, and that of a later file counts.
        case .server: return stated.filter { $0.place.path == stated.last?.place.path }
        }
    }

    /// - Parameter isWhole: false when lines of a file could not be taken apart: nothing is called missing then.
    /// - Returns: nil when something needed is missing or wrong, which `diagnostics` then says; the layers' own are not
    ///   repeated.
    func settings(isWhole: Bool, diagnostics: inout DiagnosticList) -> Settings? {
        let stated = uris
        let key = commandLine.key ?? file?.key
        // A refused value has had its error: it is wrong, not missing.
        let refused = commandLine.refused.union(file?.refused ?? [])
        let lacksURI = stated.isEmpty && !refused.contains("uri")
        let lacksKey = key == nil && refused.isDisjoint(with: ["key", "key-file"])
        if isWhole, lacksURI || lacksKey { reportMissing(uri: lacksURI, key: lacksKey, &diagnostics) }
        guard let first = stated.first else { return nil }
        checkServers(stated, &diagnostics)
        guard let key else { return nil }
        let settings = settings(of: mode, stated.map(\.value), first.value, key)
        SettingConstraints(file: file, commandLine: commandLine).check(settings, at: first.place, &diagnostics)
        return settings
    }

    /// What they would be if the same configuration were the other end's: each end has a `listen` of its own.
    func settings(ofOtherEndThan settings: Settings) -> Settings {
        self.settings(of: settings.mode == .client ? .server : .client, settings.uris, settings.uri, settings.key)
    }

    private func settings(
        of mode: Settings.Mode, _ uris: [ServerURI], _ first: ServerURI, _ key: KeySource
    ) -> Settings {
        var settings = Settings(mode: mode, uri: first, key: key)
        settings.uris = uris
        settings.adopt(places)
        let standard = settings.listen
        for layer in layers {
            layer.apply(to: &settings)
            let choice = mode == .client ? layer.clientListen : layer.serverListen
            settings.listen = choice.overriding(settings.listen, standard: standard)
            // As with lists, the command line's replace the file's.
            if !layer.forwards.isEmpty { settings.forwards = layer.forwards }
        }
        return settings
    }

    func origins(of settings: Settings) -> SettingOrigins {
        var origins = SettingOrigins()
        for key in SettingKey.all {
            let above = commandLine.traces.places(of: key.identifier)
            let below = file?.traces.places(of: key.identifier) ?? []
            origins[key] = above.isEmpty ? below : above
            // A host alone keeps the port of what it overrides, and the other way round.
            guard case .listen(let mode) = key.kind.reading, !above.isEmpty else { continue }
            let choice = mode == .client ? commandLine.clientListen : commandLine.serverListen
            if choice.addresses.isEmpty { origins[key] = below + above }
        }
        // A key that is given in another way than the file's replaces it.
        for (key, other) in [("key", "key-file"), ("key-file", "key")] where !commandLine.traces.places(of: key).isEmpty
        {
            if let replaced = SettingKey.all.first(where: { $0.identifier == other }) { origins[replaced] = [] }
        }
        let stated = uris.map(\.place)
        if let key = SettingKey.all.first(where: { $0.identifier == "uri" }) { origins[key] = stated }
        let layer = commandLine.forwards.isEmpty ? file ?? commandLine : commandLine
        for forward in settings.forwards { origins[forward: forward] = [layer.place(of: forward)] }
        return origins
    }

    private func checkServers(_ uris: [SettingsLayer.Placed<ServerURI>], _ diagnostics: inout DiagnosticList) {
        switch mode {
        case .client:
            for uri in uris where uri.value.port == 0 {
                diagnostics.add(.error, at: uri.place, "a client cannot connect to port 0: name the server's port")
            }
            for uri in uris where ["0.0.0.0", "::"].contains(uri.value.host) {
                let text = "\(uri.value.host) is every address of a server, for a client it is this host: name the server"
                diagnostics.add(.warning, at: uri.place, text)
            }
        case .server:
            for uri in uris.dropFirst() {
                let text = "a server has one URI, and here is another: keep one (listen takes several addresses)"
                diagnostics.add(.error, at: uri.place, text)
            }
        }
    }

    private func reportMissing(uri lacksURI: Bool, key lacksKey: Bool, _ diagnostics: inout DiagnosticList) {
        if let filePath {
            if lacksURI { diagnostics.add(.error, at: .file(filePath), "no URI: add the line uri = ws://host:port/") }
            if lacksKey { diagnostics.add(.error, at: .file(filePath), "no key: add the line key-file = PATH") }
        } else {
            let what = lacksURI ? lacksKey ? "no URI and no key" : "no URI" : "no key"
            diagnostics.add(.error, at: .commandLine, "\(what): give URI and KEY, or name a file with -i")
        }
    }
}
