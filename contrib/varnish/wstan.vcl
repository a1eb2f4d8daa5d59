# Varnish between a TLS proxy (hitch, HAProxy, nginx) and wstand: pipe one path to wstand. Varnish itself has no TLS.
#
#   1. Change the path /chat/ below.
#   2. Install:  install -m 644 wstan.vcl /etc/varnish/wstan.vcl
#   3. Add to /etc/varnish/default.vcl, after its backend:  include "/etc/varnish/wstan.vcl";
#   4. Give varnishd the parameter -p pipe_timeout=600: wstand pings every 45 s, the Python wstan every 400 s.
#   5. Reload:   systemctl restart varnish
#
# Server: uri = wss://example.com/chat/, with listen = 127.0.0.1:8080 and x-forward = yes under [server].
# The path contains the request: do not let varnishncsa log it
# (varnishncsa -q 'ReqURL !~ "^/chat/"'). See fronts.md in /usr/share/doc/wstan.

backend wstan {
    .host = "127.0.0.1";
    .port = "8080";
}

sub vcl_recv {
    if (req.url ~ "^/chat/" && req.http.Upgrade ~ "(?i)^websocket$") {
        set req.backend_hint = wstan;
        return (pipe);
    }
}

sub vcl_pipe {
    if (req.http.Upgrade) {
        set bereq.http.Upgrade = req.http.Upgrade;
        set bereq.http.Connection = req.http.Connection;
    }
}
