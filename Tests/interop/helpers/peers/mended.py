"""The Python wstan 0.5.1, mended: with -z it hashes the text of the key where it means the key, and ends at once."""
import base64

import wstan

sha1 = wstan.get_sha1
wstan.get_sha1 = lambda data: sha1(base64.b64decode(data) if isinstance(data, str) else data)

if __name__ == '__main__':
    wstan.main_entry()
