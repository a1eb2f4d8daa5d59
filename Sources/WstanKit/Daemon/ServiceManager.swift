import CSystemd

/// What systemd is told (sd_notify(3)); nothing happens where it did not start us.
enum ServiceManager {
    static func ready(_ status: String) {
        notify("READY=1\nSTATUS=\(status)")
    }

    /// It goes on serving meanwhile; `ready` ends it.
    static func reloading() {
        notify("RELOADING=1\nMONOTONIC_USEC=\(Instant.now().nanoseconds / 1000)\nSTATUS=Reloading")
    }

    /// - Parameter drain: how long it may take; a moment more than that is asked for.
    static func stopping(drain: Duration) {
        let microseconds = (drain + .seconds(5)).wholeNanoseconds / 1000
        notify("STOPPING=1\nEXTEND_TIMEOUT_USEC=\(microseconds)\nSTATUS=Stopping")
    }

    private static func notify(_ state: String) {
        sd_notify(0, state)
    }
}
