import WstanControl

@testable import WstanControlSocket

extension FuzzTarget {
    /// Calls are found in a stream wherever it is cut, and what is admitted can be read as what its method takes.
    static let controlCalls = FuzzTarget("control-calls", seeds: controlSeeds, maxLength: 2048) { input in
        let cuts = input.cuts()
        let bytes = input.rest()
        let whole = controlMessages(in: bytes, cuts: .none)
        require(whole == controlMessages(in: bytes, cuts: cuts), "the same in pieces")
        require(
            whole == bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map { Array($0) },
            "all of them")
        for message in whole {
            guard let call = try? ControlCall(reading: message) else { continue }
            for standing in [ControlAuthority.Standing.stranger, .member, .owner] {
                guard let command = try? ControlDispatcher.admit(call, from: standing) else { continue }
                require(standing >= command.standing, "only who may")
                require(command.type.canRead(call.parameters), "what was admitted can be read")
            }
        }
    }

    private static let controlSeeds: [[UInt8]] = [
        #"{"method":"org.wstan.control.GetStatus"}"#,
        #"{"method":"org.wstan.control.ListTunnels","parameters":{"states":["idle","using"],"follow":true},"more":true}"#,
        #"{"method":"org.wstan.control.RotateKey","parameters":{"name":"a","key":null,"graceUSec":-1,"runtimeOnly":false}}"#,
        #"{"method":"org.wstan.control.SetLogLevel","parameters":{"level":"debug"},"oneway":true,"x.y":[1,{"z":2.5e3}]}"#,
        #"{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"org.wstan.control"}}"#,
    ].map { [3, 1, 9, 200] + Array($0.utf8) + [0] + Array($0.utf8) + [0, 123] }

    private static func controlMessages(in bytes: [UInt8], cuts: Cuts) -> [[UInt8]] {
        var frames = MessageFrames(limit: 4096)
        var messages: [[UInt8]] = []
        for piece in cuts.pieces(of: bytes) {
            guard (try? frames.append(piece)) != nil else { break }
            while let message = frames.next() { messages.append(message) }
        }
        require(frames.count <= 4096, "no more than a message is held")
        return messages
    }

    /// What can be read has one text, which says the same.
    static let json = FuzzTarget(
        "json",
        seeds: [
            #"{"a":[1,-2,3.5e-3,true,false,null,"\u00e9\ud83d\ude00\n"],"b":{"c":{}}}"#, "[[[[]]]]",
            "-9223372036854775808",
            #""\u0000\"\\\/""#,
        ].map { Array($0.utf8) }
    ) { input in
        let bounds = JSONReader.Bounds(depth: 8, values: 200)
        guard let value = try? JSONReader.read(input.rest(), within: bounds) else { return }
        let text = value.text
        guard let again = try? JSONReader.read(text, within: bounds) else {
            fatalError("broken promise: it can be read")
        }
        require(again.text == text, "the same text")
        require(!text.contains { $0 < 32 }, "one line, without a NUL")
    }

    /// A description that somebody sends is read or refused.
    static let interface = FuzzTarget(
        "interface",
        seeds: [
            "interface a.b\ntype T (x: ?[]string, y: (one, two))\nmethod M(t: T) -> (n: [string]int)\n# c\nerror E (o: object)\n",
            "interface org.example.x\nmethod A() -> ()\n", ControlInterface.text,
        ].map { Array($0.utf8) }, maxLength: 16_384
    ) { input in
        let text = String(decoding: input.rest(), as: UTF8.self)
        guard let description = try? InterfaceDescription(text) else { return }
        for method in description.methods.values {
            _ = description.firstFault(in: JSONObject(), of: method.parameters)
        }
    }
}

extension ControlMethod {
    fileprivate static func canRead(_ parameters: JSONObject) -> Bool {
        (try? ControlCoding.decode(Parameters.self, from: parameters)) != nil
    }
}
