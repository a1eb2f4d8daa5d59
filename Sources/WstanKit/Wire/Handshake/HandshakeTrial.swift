/// One request, judged by one version of the protocol after the other: a value, which goes on a piece at a time.
struct HandshakeTrial {
    typealias Outcome = KeySearchV1.Outcome

    private var searches: [ServerHandshake.Search]
    /// What something on the way has taken out of the request.
    private let lacking: [String]
    private var place = 0
    /// Of the version for which the request got furthest.
    private var refusal: WireError?

    init(of request: ServerHandshake.Request, by versions: [ServerHandshake]) {
        lacking = request.lacking
        searches = versions.compactMap { $0.search(request) }
    }

    /// Bytes that it holds beside the head.
    var held: Int {
        searches.reduce(0) { sum, search in
            switch search {
            case .v1(let search): sum + search.held
            }
        }
    }

    /// Whether one step of it costs much.
    var isLarge: Bool {
        guard place < searches.count else { return false }
        return switch searches[place] {
        case .v1(let search): search.isLarge
        }
    }

    /// - Parameter budget: how much is hashed at most, in bytes; one step is made in any case.
    /// - Throws: the refusal of the version for which the request got furthest.
    mutating func go(on budget: inout Int) throws(WireError) -> Outcome {
        while place < searches.count {
            do throws(WireError) {
                switch try step(&budget) {
                case .more: return .more
                case .notARequest: break
                case .found(let candidate):
                    guard lacking.isEmpty else { throw .incompleteUpgrade(lacking: lacking) }
                    return .found(candidate)
                }
            } catch {
                // Only of a request that a holder of a key has made it is known that something was taken out.
                if !lacking.isEmpty, error.stage == 2 { throw .incompleteUpgrade(lacking: lacking) }
                if refusal.map({ $0.stage < error.stage }) ?? true { refusal = error }
            }
            place += 1
        }
        if let refusal, lacking.isEmpty { throw refusal }
        return .notARequest
    }

    private mutating func step(_ budget: inout Int) throws(WireError) -> Outcome {
        switch searches[place] {
        case .v1(var search):
            defer { searches[place] = .v1(search) }
            return try search.go(on: &budget)
        }
    }
}

extension WireError {
    /// How far a request got that was refused so: its form, its tag, what it says.
    fileprivate var stage: Int {
        switch self {
        case .malformed, .tooLarge: 0
        case .badAuthentication: 1
        case .sealedForOtherScheme, .unexpectedCommand, .expired, .replayed, .incompleteUpgrade, .violation: 2
        }
    }
}
