"""Browsers of managers and administrators who have just signed in."""

from __future__ import annotations

import time

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client

from helpdesk.models import User
from tests.factories import World


def sign_in(user: User, seconds_ago: int = 0) -> Client:
    """A browser in which this person showed a password so long ago."""
    client = Client()
    client.force_login(user)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time() - seconds_ago}]
    session[f"{AUTHENTICATION_METHODS_SESSION_KEY}_user"] = str(user.pk)
    session.save()
    return client


@pytest.fixture
def manager(world: World) -> Client:
    """A manager's browser."""
    return sign_in(world.manager)


@pytest.fixture
def admin(world: World) -> Client:
    """An administrator's browser."""
    return sign_in(world.admin)
