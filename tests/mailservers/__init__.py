"""Mail servers for tests and benches, each on a free loopback port: a real Dovecot, an SMTP sink that follows a script, an
IMAP stub that misbehaves, a token server, and a proxy that counts what is said."""
