# Varnish before the testbed: stale answers while one request asks again, and for a day where the
# origin fails; one origin call however many clients wait; PURGE for those who have the token.
#
#   HITMARK_PURGE_TOKEN=… varnishd -F -a 127.0.0.1:8090 -f /etc/varnish/hitmark.vcl -s malloc,256m
#
# Varnish 7.1. The key of an object holds the host: a purge must name the host that clients name.

vcl 4.1;

import std;

backend origin {
    .host = "127.0.0.1";
    .port = "8080";
    .connect_timeout = 2s;
    .first_byte_timeout = 30s;
    .between_bytes_timeout = 30s;
    # A dead origin is known after two probes, and then costs no request any time.
    .probe = {
        .url = "/healthz";
        .interval = 2s;
        .timeout = 2s;
        .window = 3;
        .threshold = 2;
        .initial = 2;
    }
}

# Where a purge may come from. The token is asked for as well.
acl purgers {
    "127.0.0.0"/8;
    "::1";
}

sub vcl_recv {
    if (req.restarts == 0) {
        # Our own notes; nobody else writes them.
        set req.http.X-Hitmark-Try = "first";
        unset req.http.X-Hitmark-Pass;
        # How far past its lifetime an answer is given at once, while one request in the background
        # asks for a new one. An older one is given only instead of an error.
        set req.grace = 10s;
        if (!std.healthy(req.backend_hint)) {
            set req.grace = 24h;
        }
    } else {
        set req.http.X-Hitmark-Try = "last";
        set req.grace = 24h;
    }

    if (req.method == "PURGE") {
        # An unset token lets nobody in.
        if (client.ip !~ purgers || std.getenv("HITMARK_PURGE_TOKEN") !~ "." ||
            req.http.Authorization != "Bearer " + std.getenv("HITMARK_PURGE_TOKEN")) {
            return (synth(403, "Forbidden"));
        }
        return (purge);
    }

    if (req.url ~ "^/assets/") {
        # Assets are the same for everybody.
        unset req.http.Cookie;
        unset req.http.Authorization;
    }
}

sub vcl_pass {
    set req.http.X-Hitmark-Pass = "yes";
}

sub vcl_backend_response {
    if (beresp.status >= 500 && !bereq.uncacheable) {
        # The built-in code would put this error in the place of the answer that can still stand in.
        if (bereq.is_bgfetch || bereq.http.X-Hitmark-Try == "first") {
            return (abandon);
        }
        set beresp.uncacheable = true;
        set beresp.ttl = 0s;
        return (deliver);
    }

    # An answer that says nothing of its lifetime has none.
    if (!beresp.http.Cache-Control && !beresp.http.Expires) {
        set beresp.uncacheable = true;
        set beresp.ttl = 120s;
        return (deliver);
    }

    # How long an answer may stand in: what the origin says (RFC 5861), else a day; never where it
    # forbids that (s-maxage implies proxy-revalidate, RFC 9111 5.2.2.10).
    if (beresp.http.Cache-Control ~ "(?i)(must-revalidate|proxy-revalidate|s-maxage|no-cache)") {
        set beresp.grace = 0s;
    } elsif (beresp.http.Cache-Control ~ "(?i)stale-if-error=[0-9]+") {
        set beresp.grace = std.duration(
            regsub(beresp.http.Cache-Control, "(?i)^.*stale-if-error=([0-9]+).*$", "\1s"), 24h);
    } else {
        set beresp.grace = 24h;
    }
}

sub vcl_backend_error {
    # The origin was not reached.
    if (!bereq.uncacheable && (bereq.is_bgfetch || bereq.http.X-Hitmark-Try == "first")) {
        return (abandon);
    }
}

sub vcl_synth {
    # The first try failed: once more, and now a day-old answer will do.
    if (resp.status == 503 && req.restarts == 0 && req.http.X-Hitmark-Pass != "yes" &&
        (req.method == "GET" || req.method == "HEAD")) {
        return (restart);
    }
}

sub vcl_deliver {
    # RFC 9211. The last entry is that of the cache closest to the client.
    if (req.http.X-Hitmark-Pass) {
        set req.http.X-Hitmark-Said = "varnish; fwd=bypass";
    } elsif (obj.hits == 0 && obj.uncacheable) {
        set req.http.X-Hitmark-Said = "varnish; fwd=uri-miss";
    } elsif (obj.hits == 0) {
        set req.http.X-Hitmark-Said = "varnish; fwd=uri-miss; stored";
    } elsif (obj.ttl < 0s) {
        # Rounded away from nothing: what is stale has a negative ttl.
        set req.http.X-Hitmark-Said = "varnish; hit; ttl=-" + std.integer(duration = 1s - obj.ttl);
    } else {
        set req.http.X-Hitmark-Said = "varnish; hit; ttl=" + std.integer(duration = obj.ttl);
    }
    if (resp.http.Cache-Status) {
        set resp.http.Cache-Status = resp.http.Cache-Status + ", " + req.http.X-Hitmark-Said;
    } else {
        set resp.http.Cache-Status = req.http.X-Hitmark-Said;
    }
}
