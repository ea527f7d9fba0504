"""The mail servers, for tests that kill and break."""

from tests.mailservers.fixtures import dovecot, dovecot_server, make_box, sink, token_server

__all__ = ["dovecot", "dovecot_server", "make_box", "sink", "token_server"]
