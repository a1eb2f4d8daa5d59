import Testing

@testable import WstanBase
@testable import WstanCore

@Suite struct NoiseTests {
    /// What both sides have after a handshake, whose messages were as published.
    private struct Outcome {
        let initiator: NoiseState
        let responder: NoiseState
    }

    @Test func `the published vectors are reproduced, messages behind the handshake too`() throws {
        #expect(NoiseVectors.all.vectors.count == 2)
        for vector in NoiseVectors.all.vectors {
            let outcome: Outcome
            switch vector.protocolName {
            case NoiseNKpsk0.name: outcome = try runNK(vector)
            case "Noise_NNpsk0_25519_AESGCM_SHA256": outcome = try runNN(vector)
            default:
                Issue.record("a pattern that is not run: \(vector.protocolName)")
                continue
            }
            #expect(outcome.initiator.hash == vector.handshakeHash.bytes)
            #expect(outcome.responder.hash == vector.handshakeHash.bytes)
            let (toResponder, toInitiator) = outcome.initiator.split()
            let other = outcome.responder.split()
            #expect(other.0 == toResponder && other.1 == toInitiator)
            let directions = [toResponder, toInitiator].map { AEAD(.aes256GCM, key: $0) }
            #expect(vector.messages.count == 6)
            for (index, message) in vector.messages.dropFirst(2).enumerated() {
                let nonce = AEADNonce(counter: UInt64(index / 2))
                #expect(directions[index % 2].sealed(message.payload.bytes, nonce) == message.ciphertext.bytes)
            }
        }
    }

    private func runNK(_ vector: NoiseVectors.Vector) throws -> Outcome {
        let hmac = HMAC()
        let (first, second) = (vector.messages[0], vector.messages[1])
        let keys = (
            initiator: X25519KeyPair(privateKey: vector.initEphemeral.secret),
            responder: X25519KeyPair(privateKey: vector.respEphemeral.secret),
            fixed: X25519KeyPair(privateKey: try #require(vector.respStatic).secret)
        )
        #expect(keys.fixed.publicKey == vector.initRemoteStatic?.bytes)
        var initiator = NoiseNKpsk0.Initiator(
            psk: vector.initPsks[0].secret, prologue: vector.initPrologue.bytes, responder: X25519PublicKey(keys.fixed.publicKey),
            ephemeral: keys.initiator, by: hmac)
        var responder = NoiseNKpsk0.Responder(
            psk: vector.respPsks[0].secret, prologue: vector.respPrologue.bytes, key: keys.fixed, by: hmac)

        let written = initiator.writeFirst(first.payload.bytes)
        let one = try #require(written)
        #expect(keys.initiator.publicKey + one == first.ciphertext.bytes)
        let read = responder.readFirst(ephemeral: keys.initiator.publicKey, one)
        #expect(read == first.payload.bytes)

        let answer = responder.writeSecond(second.payload.bytes, ephemeral: keys.responder)
        let two = try #require(answer)
        #expect(keys.responder.publicKey + two == second.ciphertext.bytes)
        let heard = initiator.readSecond(ephemeral: keys.responder.publicKey, two)
        #expect(heard == second.payload.bytes)
        return Outcome(initiator: initiator.state, responder: responder.state)
    }

    /// The pattern without a static key, of which this protocol uses only what stands below it.
    private func runNN(_ vector: NoiseVectors.Vector) throws -> Outcome {
        let hmac = HMAC()
        let (first, second) = (vector.messages[0], vector.messages[1])
        let keys = (
            initiator: X25519KeyPair(privateKey: vector.initEphemeral.secret),
            responder: X25519KeyPair(privateKey: vector.respEphemeral.secret)
        )
        let shared = try #require(keys.initiator.sharedSecret(with: keys.responder.publicKey))
        #expect(keys.responder.sharedSecret(with: keys.initiator.publicKey) == shared)
        var states = [(vector.initPsks[0], vector.initPrologue), (vector.respPsks[0], vector.respPrologue)].map { psk, prologue in
            var state = NoiseState(protocolName: vector.protocolName, by: hmac)
            state.mixHash(prologue.bytes)
            state.mixKeyAndHash(psk.secret)
            state.mixEphemeral(keys.initiator.publicKey)
            return state
        }
        let one = states[0].encryptAndHash(first.payload.bytes)
        #expect(keys.initiator.publicKey + one == first.ciphertext.bytes)
        let read = states[1].decryptAndHash(one)
        #expect(read == first.payload.bytes)
        for index in states.indices {
            states[index].mixEphemeral(keys.responder.publicKey)
            states[index].mixKey(shared)
        }
        let two = states[1].encryptAndHash(second.payload.bytes)
        #expect(keys.responder.publicKey + two == second.ciphertext.bytes)
        let heard = states[0].decryptAndHash(two)
        #expect(heard == second.payload.bytes)
        return Outcome(initiator: states[0], responder: states[1])
    }

    @Test func `a key of small order agrees on nothing, at either end`() {
        let hmac = HMAC()
        let none = [UInt8](repeating: 0, count: 32)
        let psk = SecretBytes([UInt8](repeating: 1, count: 32))
        let pair = X25519KeyPair(privateKey: SecretBytes([UInt8](repeating: 2, count: 32)))
        var initiator = NoiseNKpsk0.Initiator(psk: psk, prologue: [], responder: X25519PublicKey(none), ephemeral: pair, by: hmac)
        let first = initiator.writeFirst([1])
        #expect(first == nil)
        var other = NoiseNKpsk0.Initiator(
            psk: psk, prologue: [], responder: X25519PublicKey(pair.publicKey), ephemeral: pair, by: hmac)
        let second = other.writeFirst([1])
        #expect(second != nil)
        let answer = other.readSecond(ephemeral: none, [UInt8](repeating: 0, count: 16))
        #expect(answer == nil)
        var responder = NoiseNKpsk0.Responder(psk: psk, prologue: [], key: pair, by: hmac)
        let read = responder.readFirst(ephemeral: none, [UInt8](repeating: 0, count: 16))
        #expect(read == nil)
    }
}
