import WstanBase
import WstanConfig

/// The client's rules for user agents: a proxy auto-configuration script (PAC) that sends to this proxy what takes the
/// tunnel, and lets go directly what `DirectRules` names. It says the same as these, of every host and port.
struct PACFile {
    /// Old engines read it too: ECMAScript 3, ASCII.
    let text: String

    /// - Parameter proxy: where user agents reach this proxy.
    init(_ rules: DirectRules, proxy: Address) {
        let patterns = rules.patterns.map { "  " + Self.literal(of: $0) }.joined(separator: ",\n")
        let local = LocalNames.reserved.map(Self.quoted).joined(separator: ", ")
        text = """
            // Made by the wstan client from `direct` in its configuration.
            var proxy = \(Self.quoted("PROXY \(proxy); SOCKS5 \(proxy)"));
            var direct = [\(patterns.isEmpty ? "" : "\n\(patterns)\n")];
            var localNames = [\(local)];
            var special = [\(rules.patterns.contains { $0.host == .isPrivate } ? Self.special : "")];

            \(Self.code)
            """
    }

    /// What is asked for: a path that browsers and systems know.
    static func isAskedFor(by target: some Collection<UInt8>) -> Bool {
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        return path.elementsEqual("/proxy.pac".utf8) || path.elementsEqual("/wpad.dat".utf8)
    }

    /// The whole answer.
    func answer(toHEAD: Bool, closing: Bool) -> [UInt8] {
        let body = Array(text.utf8)
        var head = MessageHead(firstLine: Array("HTTP/1.1 200 OK".utf8))
        head.add("Content-Type", "application/x-ns-proxy-autoconfig")
        head.add("Content-Length", "\(body.count)")
        head.add("Cache-Control", "no-cache")
        // A page must not load it as a script of its own and read the rules.
        head.add("X-Content-Type-Options", "nosniff")
        if closing { head.add("Connection", "close") }
        head.endLine()
        return toHEAD ? head.bytes : head.bytes + body
    }

    /// Where a user agent has reached this proxy: by its `Host`, if that could be an address, else where its connection
    /// has come to.
    static func proxy(askedBy head: HTTPHead, at local: SocketAddress?) -> Address {
        if let value = head.value(of: "Host") {
            let text = String(decoding: value, as: UTF8.self)
            let address = Address(authority: text) ?? Host(text: text).map { Address(host: $0, port: 80) }
            if let address, isPlain(address) { return address }
        }
        return local.map { Address($0) } ?? Address(host: .name("localhost"), port: 1080)
    }

    /// The script's answer separates proxies by semicolons and blanks; no name that is looked up has any.
    private static func isPlain(_ address: Address) -> Bool {
        guard address.port > 0 else { return false }
        guard case .name(let name) = address.host else { return true }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122: true
            default: "-._".utf8.contains(byte)
            }
        }
    }

    // MARK: Rules

    private static func literal(of pattern: TargetPattern) -> String {
        let what =
            switch pattern.host {
            case .any: "is: \"any\""
            case .isPrivate: "is: \"private\""
            case .network(.ipv4(let address, let prefix)):
                network(groups(UInt64(address.value), 2), prefix)
            case .network(.ipv6(let address, let prefix)):
                network(groups(address.high, 4) + groups(address.low, 4), prefix)
            case .name(let name, let includesItself):
                "is: \"name\", name: \(quoted(name)), itself: \(includesItself)"
            }
        return "{\(what), from: \(pattern.ports.lowerBound), to: \(pattern.ports.upperBound)}"
    }

    /// What `private` is, in the order in which it is looked through.
    private static let special = SpecialNetworks.all.map { row in
        let network =
            switch row.network {
            case .ipv4(let address, let prefix): "groups: [\(list(groups(UInt64(address.value), 2)))], bits: \(prefix)"
            case .ipv6(let address, let prefix): "groups: [\(list(groups(address.high, 4) + groups(address.low, 4)))], bits: \(prefix)"
            }
        return "\n  {\(network), isPrivate: \(row.isPrivate)}"
    }.joined(separator: ",")

    private static func network(_ groups: [UInt64], _ prefix: Int) -> String {
        "is: \"network\", groups: [\(list(groups))], bits: \(prefix)"
    }

    private static func list(_ groups: [UInt64]) -> String { groups.map { "\($0)" }.joined(separator: ", ") }

    /// Groups of 16 bits, the first ones first.
    private static func groups(_ value: UInt64, _ count: Int) -> [UInt64] {
        (0..<count).map { value >> UInt64(16 * (count - 1 - $0)) & 0xffff }
    }

    /// A string literal. What could end it, or the script, is escaped.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for unit in text.utf16 {
            switch unit {
            case 48...57, 65...90, 97...122, 32, 45, 46, 58, 59, 91, 93, 95:
                quoted.unicodeScalars.append(Unicode.Scalar(UInt8(truncatingIfNeeded: unit)))
            default:
                let digits = String(unit, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            }
        }
        return quoted + "\""
    }

    // MARK: Code

    /// Nothing in it looks a name up: `isInNet`, `dnsResolve` and `isResolvable` would.
    private static let code = #"""
        function FindProxyForURL(url, host) {
          var target = readHost(host), port = readPort(url);
          for (var i = 0; i < direct.length; i++) {
            var rule = direct[i];
            if (port >= rule.from && port <= rule.to && isMeant(target, rule)) return "DIRECT";
          }
          return proxy;
        }

        function isMeant(target, rule) {
          switch (rule.is) {
          case "any": return true;
          case "private": return target.groups ? isPrivate(target.groups) : isLocal(target.name);
          case "network": return target.groups !== null && isIn(unmapped(target.groups), rule.groups, rule.bits);
          default: return target.groups === null && isBelow(target.name, rule.name, rule.itself);
          }
        }

        // 0 where it is unknown.
        function readPort(url) {
          var parts = /^([a-z][a-z0-9+.\-]*):\/\/([^\/?#]*)/i.exec(url);
          if (!parts) return 0;
          var port = /:([0-9]+)$/.exec(parts[2]);
          if (port) return parseInt(port[1], 10);
          switch (parts[1].toLowerCase()) {
          case "http": case "ws": return 80;
          case "https": case "wss": return 443;
          case "ftp": return 21;
          default: return 0;
          }
        }

        // An address as its groups of 16 bits, two or eight; else a name.
        function readHost(host) {
          var bare = /^\[.*\]$/.test(host) ? host.substring(1, host.length - 1) : host;
          var groups = bare === host ? readIPv4(host) || readIPv6(host) : readIPv6(bare);
          return {groups: groups, name: groups ? null : host.toLowerCase()};
        }

        function readIPv4(text) {
          var parts = text.split(".");
          if (parts.length != 4) return null;
          for (var i = 0; i < 4; i++) if (!/^(0|[1-9][0-9]?[0-9]?)$/.test(parts[i]) || parts[i] > 255) return null;
          return [parts[0] * 256 + parts[1] * 1, parts[2] * 256 + parts[3] * 1];
        }

        function readIPv6(text) {
          var halves = text.split("::");
          if (text === "" || halves.length > 2) return null;
          var head = readGroups(halves[0], halves.length == 1);
          var tail = halves.length == 2 ? readGroups(halves[1], true) : [];
          if (!head || !tail) return null;
          var missing = 8 - head.length - tail.length;
          if (halves.length == 2 ? missing < 1 : missing !== 0) return null;
          for (; missing > 0; missing--) head.push(0);
          return head.concat(tail);
        }

        function readGroups(text, mayEndInIPv4) {
          var groups = [];
          if (text === "") return groups;
          var parts = text.split(":");
          for (var i = 0; i < parts.length; i++) {
            if (parts[i].indexOf(".") >= 0) {
              var ipv4 = mayEndInIPv4 && i == parts.length - 1 ? readIPv4(parts[i]) : null;
              if (!ipv4) return null;
              groups.push(ipv4[0], ipv4[1]);
            } else {
              if (!/^[0-9a-f]{1,4}$/i.test(parts[i])) return null;
              groups.push(parseInt(parts[i], 16));
            }
          }
          return groups;
        }

        function isIn(groups, network, bits) {
          if (groups.length != network.length) return false;
          for (var i = 0; bits > 0; i++, bits -= 16) {
            var unused = bits < 16 ? 16 - bits : 0;
            if (groups[i] >> unused != network[i] >> unused) return false;
          }
          return true;
        }

        // ::ffff:0:0/96 is IPv4.
        function unmapped(groups) {
          return groups.length == 8 && isIn(groups, [0, 0, 0, 0, 0, 65535, 0, 0], 96) ? groups.slice(6) : groups;
        }

        // The longest prefix comes first.
        function isPrivate(groups) {
          var inner = groups.length == 8 ? innerIPv4(groups) : null;
          if (inner !== null) return isPrivate(inner);
          for (var i = 0; i < special.length; i++) {
            if (isIn(groups, special[i].groups, special[i].bits)) return special[i].isPrivate;
          }
          return false;
        }

        // Where an IPv6 address becomes IPv4 on its way: mapped, compatible and translated, NAT64, 6to4, Teredo.
        function innerIPv4(groups) {
          var last = groups.slice(6);
          if (isIn(groups, [0, 0, 0, 0, 0, 0, 0, 0], 64)) {
            var kind = groups[4] * 65536 + groups[5];
            return kind === 0 || kind == 0xffff || kind == 0xffff0000 ? last : null;
          }
          if (isIn(groups, [0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96)) return last;
          if (groups[0] == 0x2002) return [groups[1], groups[2]];
          if (groups[0] == 0x2001 && groups[1] === 0) return [last[0] ^ 0xffff, last[1] ^ 0xffff];
          return null;
        }

        function isLocal(name) {
          if (name.indexOf(".") < 0) return !/^([0-9]*$|0x)/.test(name);
          for (var i = 0; i < localNames.length; i++) if (isBelow(name, localNames[i], true)) return true;
          return false;
        }

        function isBelow(name, suffix, itself) {
          var bare = name.charAt(name.length - 1) == "." ? name.substring(0, name.length - 1) : name;
          var extra = bare.length - suffix.length;
          if (extra < 0 || bare.substring(extra) != suffix) return false;
          return extra === 0 ? itself : extra >= 2 && bare.charAt(extra - 1) == ".";
        }

        """#
}
