"""A password, and its hashes of every kind."""

# Of 'open sesame', made by crypt(3): yescrypt, SHA-512, SHA-256, and bcrypt as htpasswd -B writes it; cheap ones.
HASHES = {
    'anna': '$y$j75$rq2lPpSpzqVEFJ2GJGNVX1$UYWUBjBnInOPust81dT7S54AgcMvImDQEMTacD7jIU/',
    'bert': '$6$rounds=1000$abcdefgh$Xh.7.kL3HzhnviFlsn40n4gUrDaYioIIiDlHiWZorP18.1JsnixO1BkqKbso/o60j4iwJz6yRdVGlrUTIYtXT/',
    'cleo': '$5$rounds=1000$abcdefgh$uN/x8g5iqpGW8nv2HklfY2EGEvwdVIgjHBpf2Az7t3A',
    'dora': '$2y$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy',
}
PASSWORD = 'open sesame'
