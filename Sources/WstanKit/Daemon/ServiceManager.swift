import CSystemd

/// What systemd is told (sd_notify(3)); nothing happens where it did not start us.
enum ServiceManager {
    static func ready(_ status: String) {
        notify("READY=1\nSTATUS=\(status)")
    }

    static func stopping() {
        notify("STOPPING=1\nSTATUS=Stopping")
    }

    private static func notify(_ state: String) {
        sd_notify(0, state)
    }
}
