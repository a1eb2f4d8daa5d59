import WstanControl

/// Where news for a screen comes from.
protocol NewsSource {
    /// For `poll`: it is readable when there may be news; negative: news come with time alone.
    var descriptor: Int32 { get }
    /// Waits for nothing.
    mutating func take() throws(Failure) -> News
}

enum News {
    /// Something new is to be seen.
    case some
    /// Nothing for the screen, but there may be more.
    case unseen
    case nothing
    /// There will be no more.
    case over
}

/// The replies of one call that a daemon goes on answering.
struct FollowedCall<Method: ControlMethod>: NewsSource {
    private var conversation: Conversation<Method>
    private let reply: (Method.Reply) -> Bool

    /// - Parameter reply: is given each as it comes, and says whether there is something new to see.
    init(_ conversation: Conversation<Method>, reply: @escaping (Method.Reply) -> Bool) {
        self.conversation = conversation
        self.reply = reply
    }

    var descriptor: Int32 { conversation.descriptor }

    mutating func take() throws(Failure) -> News {
        switch try conversation.waiting() {
        case .reply(let next): reply(next) ? .some : .unseen
        case .nothing: .nothing
        case .over: .over
        }
    }
}

/// Shows on the whole terminal what a daemon goes on telling, until `q` or Ctrl-C. What was seen last stays.
enum Watch {
    /// - Parameters:
    ///   - take: is given each reply as it comes, and says whether there is something new to see.
    ///   - draw: makes the lines.
    static func run<Method: ControlMethod>(
        _ conversation: Conversation<Method>, take: (Method.Reply) -> Bool, draw: (Manner, _ height: Int) -> [String]
    ) throws(Failure) {
        try withoutActuallyEscaping(take) { (take) throws(Failure) in
            try run(FollowedCall(conversation, reply: take)) { manner, height in
                Picture(lines: draw(manner, height))
            }
        }
    }

    /// - Parameters:
    ///   - press: is given each key but `q`, and says whether it changes what is seen.
    ///   - draw: makes the picture.
    static func run(
        _ source: some NewsSource, press: (PressedKey) -> Bool = { _ in false },
        draw: (Manner, _ height: Int) -> Picture
    ) throws(Failure) {
        var source = source
        var screen = Screen()
        var last: Picture?
        screen.enter()
        do throws(Failure) {
            try turn(&screen, &source, &last, press, draw)
            screen.leave(last)
        } catch {
            screen.leave(last)
            throw error
        }
    }

    /// Replies that are taken before the keyboard has its turn.
    private static let takenAtOnce = 1000

    private static func turn(
        _ screen: inout Screen, _ source: inout some NewsSource, _ last: inout Picture?, _ press: (PressedKey) -> Bool,
        _ draw: (Manner, Int) -> Picture
    ) throws(Failure) {
        var isNew = true
        var drawn = ContinuousClock.Instant.now
        while true {
            while let event = screen.event() {
                switch event {
                case .quit: return
                case .ended(let number): screen.end(by: number)
                case .suspended: screen.suspend()
                case .continued: screen.takeBack()
                case .resized: break
                case .pressed(let key): if !press(key) { continue }
                }
                isNew = true
            }
            var taken = 0
            // A daemon that never stops talking does not keep the keyboard waiting.
            reading: while taken < takenAtOnce {
                switch try source.take() {
                case .some: isNew = true
                case .unseen: break
                case .nothing: break reading
                case .over: return
                }
                taken += 1
            }
            // Ages grow without a word from the daemon.
            if isNew || .now - drawn >= .seconds(1) {
                let size = Terminal.size
                let picture = draw(Terminal.manner, size.height)
                screen.show(picture, height: size.height)
                last = picture
                drawn = .now
                isNew = false
            }
            if taken < takenAtOnce { screen.wait(for: source.descriptor) }
        }
    }
}
