import CSystemd
import Glibc

/// What systemd is told (sd_notify(3)); nothing happens where it did not start us.
enum ServiceManager {
    /// Whether there is somebody who wants to be told.
    static var listens: Bool { getenv("NOTIFY_SOCKET") != nil }

    /// How long systemd waits for a sign of life before it restarts the service (WatchdogSec=); nil: it does not.
    static var watchdogPatience: Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    static func alive(_ status: String, isWatched: Bool) {
        notify((isWatched ? "WATCHDOG=1\n" : "") + "STATUS=\(status)")
    }

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
