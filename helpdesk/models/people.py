"""Staff: the one user model. Customers are no users (models/customers.py)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a person of the staff may do; being lead of a team is said by the membership."""

    LIGHT = "light", _("light agent")
    AGENT = "agent", _("agent")
    MANAGER = "manager", _("manager")
    ADMIN = "admin", _("administrator")


class UserManager(BaseUserManager["User"]):
    """Makes users; addresses are compared without regard to case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A person of the staff; without a password only single sign-on or a reset lets him in."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """The first administrator (`manage.py createsuperuser`)."""
        return self.create_user(email, password, **{"role": Role.ADMIN, **fields})

    def get_by_natural_key(self, username: str | None) -> User:
        """Finds by address, as sign-in does."""
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """An agent, light agent, manager or administrator."""

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=150)
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.AGENT)
    language = models.CharField(_("language of the pages"), max_length=10, default="en")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Switch off instead of deleting: the history keeps the name.")
    )
    desk_settings = models.JSONField(
        default=dict, blank=True, editable=False
    )  # keys, panes, undo; see queries/preferences
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]
    objects = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering: ClassVar[list[str]] = ["name", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("email"), name="user_email_once")
        ]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_staff(self) -> bool:
        """Who may open the Django admin."""
        return self.is_active and self.role in {Role.MANAGER, Role.ADMIN}

    def get_full_name(self) -> str:
        """The name as colleagues and customers read it."""
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keeps `is_superuser` a consequence of the role, so that no second switch can contradict it."""
        self.is_superuser = self.role == Role.ADMIN
        super().save(*args, **kwargs)
