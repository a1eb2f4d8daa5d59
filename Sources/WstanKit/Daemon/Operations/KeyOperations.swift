import WstanConfig
import WstanControl
import WstanControlSocket
import WstanCore

// What an administrator can ask about keys.

extension ControlOperations {
    func listKeys(_ replies: ControlReplies<ListKeys>) async -> ListKeys.Reply {
        var rest = await keys.list()[...]
        let marks = KeyMarks(Array(rest), reporter.refusedKeys)
        while rest.count > ListKeys.pageSize {
            let page = ListKeys.Reply(keys: rest.prefix(ListKeys.pageSize).map(marks.shown))
            guard await replies.send(page) else { return ListKeys.Reply(keys: []) }
            rest = rest.dropFirst(ListKeys.pageSize)
            await worker.yield()
        }
        return ListKeys.Reply(keys: rest.map(marks.shown))
    }

    func rotateKey(
        _ parameters: RotateKey.Parameters, by caller: ControlCaller
    ) async throws(ControlError) -> RotateKey.Reply {
        let grace = try Self.grace(parameters.graceUSec, else: .seconds(86_400))
        let version = try Self.version(parameters.version)
        do throws(KeyFailure) {
            let change = try await keys.rotate(
                name: parameters.name, version: version, key: parameters.key, grace: grace,
                runtimeOnly: parameters.runtimeOnly ?? false, acceptsV1: settings.acceptV1)
            let name = parameters.name ?? KeyName.configured.text
            context.log.keyRotated(name, to: change.id, method: RotateKey.name, by: caller.process)
            let client = reporter.clientURI
            return RotateKey.Reply(
                id: change.id.description, key: change.made?.text, persisted: change.isPersisted,
                warnings: change.warnings.isEmpty ? nil : change.warnings, keyFile: change.staleKeyFile,
                clientURI: client?.uri.shortText, clientURIGuessed: client?.isGuess,
                clientURILoopback: client?.isLoopbackOnly, formerKeys: change.former.map(Control.Key.init),
                keyFileKey: change.wantedInKeyFile.flatMap { $0 == change.made ? nil : $0.text },
                replacedKey: change.replaced?.description)
        } catch {
            throw ControlError(error)
        }
    }

    func rotateServerKey(
        _ parameters: RotateServerKey.Parameters, by caller: ControlCaller
    ) async throws(ControlError) -> RotateServerKey.Reply {
        let grace = try Self.grace(parameters.graceUSec, else: .microseconds(RotateServerKey.defaultGrace))
        do throws(KeyFailure) {
            let change = try await keys.rotateServerKey(
                grace: grace, isForced: parameters.force ?? false, runtimeOnly: parameters.runtimeOnly ?? false)
            context.log.serverKeyRotated(to: change.id, method: RotateServerKey.name, by: caller.process)
            return RotateServerKey.Reply(
                id: change.id.description, persisted: change.isPersisted,
                warnings: change.warnings.isEmpty ? nil : change.warnings, keyFile: change.staleKeyFile,
                keyFileKey: change.wantedInKeyFile?.text, formerKeys: change.former.map(Control.Key.init))
        } catch {
            throw ControlError(error)
        }
    }

    func addKey(
        _ parameters: AddKey.Parameters, by caller: ControlCaller
    ) async throws(ControlError) -> AddKey.Reply {
        let version = try Self.version(parameters.version)
        do throws(KeyFailure) {
            let change = try await keys.add(
                name: parameters.name, version: version, key: parameters.key, acceptsV1: settings.acceptV1)
            context.log.keyAdded(parameters.name, change.id, method: AddKey.name, by: caller.process)
            let client = reporter.clientURI
            return AddKey.Reply(
                id: change.id.description, key: change.made?.text, persisted: change.isPersisted,
                warnings: change.warnings.isEmpty ? nil : change.warnings, clientURI: client?.uri.shortText,
                clientURIGuessed: client?.isGuess, clientURILoopback: client?.isLoopbackOnly,
                otherKeys: change.others.isEmpty ? nil : change.others.map(Control.Key.init))
        } catch {
            throw ControlError(error)
        }
    }

    func retireKey(
        _ parameters: RetireKey.Parameters, by caller: ControlCaller
    ) async throws(ControlError) -> RetireKey.Reply {
        do throws(KeyFailure) {
            let change = try await keys.retire(id: parameters.id, closing: parameters.close ?? false)
            context.log.keyRetired(
                change.name?.text ?? Control.Key.ofServer, parameters.id, method: RetireKey.name, by: caller.process)
            let warnings = change.warnings + (reporter.refusedKeys.map { $0.areAll ? [$0.text] : [] } ?? [])
            // It is no new key, and a member of the group may not have those that there are.
            let wanted = caller.process.uid == 0 ? change.wantedInKeyFile?.text : nil
            return RetireKey.Reply(
                closed: change.closed, warnings: warnings.isEmpty ? nil : warnings, keyFile: change.staleKeyFile,
                keyFileKey: wanted)
        } catch {
            throw ControlError(error)
        }
    }

    func clientConfiguration(
        _ parameters: GetClientConfiguration.Parameters
    ) async throws(ControlError) -> GetClientConfiguration.Reply {
        let version = try Self.version(parameters.version)
        do throws(KeyFailure) {
            let secret = try keys.clientKey(of: parameters.keyName, version: version)
            let client = reporter.clientURI
            return GetClientConfiguration.Reply(
                text: clientConfiguration(with: secret.text, client), key: secret.text,
                clientURI: client?.uri.shortText, clientURIGuessed: client?.isGuess,
                clientURILoopback: client?.isLoopbackOnly,
                warnings: useless(secret, named: parameters.keyName).map { [$0] })
        } catch {
            throw ControlError(error)
        }
    }

    /// - Returns: that no client can use this key; nil where one can.
    private func useless(_ key: Secret, named name: String?) -> String? {
        guard let known = name.map({ KeyName($0) }) ?? .configured, reporter.refusedKeys?.names.contains(known) == true,
            !key.text.hasPrefix(KeyStringText.prefix)
        else { return nil }
        return KeyWarning.uselessV1(known, hasV2: keys.ring.versions(of: known).contains(.v2))
    }

    private static func grace(_ microseconds: Int?, else standard: Duration) throws(ControlError) -> Duration {
        guard let microseconds else { return standard }
        guard microseconds >= 0 else { throw .invalidParameter("graceUSec") }
        return .microseconds(microseconds)
    }

    private static func version(_ number: Int?) throws(ControlError) -> KeyVersion? {
        guard let number else { return nil }
        guard let version = KeyVersion(rawValue: number) else { throw .invalidParameter("version") }
        return version
    }

    private func clientConfiguration(with key: String, _ client: ClientURI?) -> String {
        var lines = ["mode = client"]
        if let client {
            switch client.certainty {
            case .known: break
            case .guessed:
                lines.append(
                    "# Replace \(client.uri.host) unless clients reach the server by it ([server] public-uri sets it).")
            case .loopbackOnly:
                lines.append(
                    "# The server listens on loopback only. Write the URI of what forwards to it; [server] public-uri sets it."
                )
            }
            lines.append("uri = \(client.uri.shortText)")
        } else {
            for uri in settings.uris { lines.append("uri = \(uri)") }
        }
        lines.append("key = \(key)")
        if settings.compatible { lines.append("compatible = yes") }
        return lines.joined(separator: "\n") + "\n"
    }
}
