"""Where M1 rides in a WebSocket request (docs/protocol-v2.md section 4.2), written and found."""
from v2.keys import base64url

COOKIE, PATH, PROTOCOL = CARRIERS = ('cookie', 'path', 'protocol')
CUT = 3800                    # characters of one cookie
TEXT = range(135, 2 * CUT + 1)  # characters of a candidate


def load(carrier, server, m1, path):
    """The path to ask for, and the header fields that belong to it."""
    text = base64url(m1)
    if carrier == PATH:
        return path + text, []
    if carrier == PROTOCOL:
        return path, [('Sec-WebSocket-Protocol', text)]
    if len(text) <= CUT:
        return path, [('Cookie', '%s=%s' % (server.cookie, text))]
    return path, [('Cookie', '{0}.0={1}; {0}.1={2}'.format(server.cookie, text[:CUT], text[CUT:]))]


def candidate(target, fields, servers):
    """The carrier and the text of the one candidate of a request, or None.

    `fields`: pairs of a lower-case name and a value. `servers`: the server's live keys, the current one first.
    """
    places = [(COOKIE, _cookie(fields, servers)),
              (PATH, target.partition('?')[0].rpartition('/')[2]),
              (PROTOCOL, next((value for name, value in fields if name == 'sec-websocket-protocol'), ''))]
    return next((place for place in places if len(place[1]) in TEXT), None)


def _cookie(fields, servers):
    jar = {}
    for name, value in fields:
        for part in value.split(';') if name == 'cookie' else ():
            key, equals, text = part.strip().partition('=')
            if equals:
                jar.setdefault(key, text)
    for server in servers:
        whole, first = jar.get(server.cookie), jar.get(server.cookie + '.0')
        if whole is not None:
            return whole
        if first is not None:
            return first + jar.get(server.cookie + '.1', '')
    return ''
