"""One settings module, driven by the environment (docs/operations.md lists every variable).

HELPDESK_ENV chooses the ground rules: `production` (the default: strict), `demo` (`make run` on loopback, plain HTTP) and
`test` (the suite). Nothing else in the house reads os.environ.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from helpdesk import env

django_stubs_ext.monkeypatch()  # lets generic forms and admin classes be written as mypy reads them

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = env.text("HELPDESK_ENV", "test" if "pytest" in sys.modules else "production")
if ENVIRONMENT not in {"production", "demo", "test"}:
    raise env.BadSetting(f"HELPDESK_ENV={ENVIRONMENT!r} is unknown: use production, demo or test.")
PRODUCTION = ENVIRONMENT == "production"
DATA_DIR = Path(env.text("HELPDESK_DATA_DIR", str(BASE_DIR / "var")))

DEBUG = env.flag("HELPDESK_DEBUG")
SECRET_KEY = env.text("HELPDESK_SECRET_KEY")
if not SECRET_KEY:
    if PRODUCTION:
        raise env.BadSetting(
            "HELPDESK_SECRET_KEY is not set. Make one with "
            "`python -c 'import secrets; print(secrets.token_urlsafe(50))'` and keep it secret and unchanged."
        )
    SECRET_KEY = "only-for-tests-and-never-for-anything-else-" + "0123456789" * 2
SECRET_KEY_FALLBACKS = env.words("HELPDESK_SECRET_KEY_FALLBACKS")

# --- where we are reached -------------------------------------------------------------------------------------------
BASE_URL = env.text("HELPDESK_BASE_URL", "http://localhost:8000").rstrip("/")
_base = urlsplit(BASE_URL)
if not _base.hostname:
    raise env.BadSetting(f"HELPDESK_BASE_URL={BASE_URL!r} needs a scheme and a host, such as https://help.example.com")
ALLOWED_HOSTS = env.words("HELPDESK_ALLOWED_HOSTS") or (
    [_base.hostname] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"]
)
CSRF_TRUSTED_ORIGINS = [f"{_base.scheme}://{_base.netloc}"] if _base.scheme == "https" else []
#: How many proxies in front of us may be believed about X-Forwarded-For; 0 believes none.
TRUSTED_PROXIES = env.number("HELPDESK_TRUSTED_PROXIES", 0)
SECURE_TRANSPORT = PRODUCTION and env.flag("HELPDESK_HTTPS", default=True)
if SECURE_TRANSPORT:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    if TRUSTED_PROXIES:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_TRANSPORT
SESSION_COOKIE_NAME = "__Host-session" if SECURE_TRANSPORT else "helpdesk_session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE_TRANSPORT else "helpdesk_csrf"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
#: A session ends so long after its beginning, and so long after its last use, whichever comes first.
SESSION_COOKIE_AGE = env.number("HELPDESK_SESSION_SECONDS", 14 * 24 * 3600)
SESSION_IDLE_SECONDS = env.number("HELPDESK_SESSION_IDLE_SECONDS", 24 * 3600)
SESSION_SERIALIZER = "django.contrib.sessions.serializers.JSONSerializer"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "form-action": [SELF],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "manifest-src": [SELF],
    },
}

# --- the house ------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "helpdesk.admin_site.HelpdeskAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.sites",
    "channels",
    "django_q",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "helpdesk",
    "routing",
    "chat",
    "surveys",
    "escalation",
]
MIDDLEWARE = [
    "helpdesk.middleware.CorrelationMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "helpdesk.middleware.DatabaseOutageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "helpdesk.middleware.StaffMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "helpdesk.urls"
ASGI_APPLICATION = "helpdesk.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "helpdesk.folded_templates.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "helpdesk.views.page.page_context",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SITE_ID = 1

# --- rows -----------------------------------------------------------------------------------------------------------
#: The web process pools connections; the worker and the dispatcher must not (a fork would share the pool's sockets).
DATABASE_POOL = env.flag("HELPDESK_DATABASE_POOL")
DATABASES: dict[str, Any] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **env.database().as_django(),
        "CONN_MAX_AGE": 0,
        "ATOMIC_REQUESTS": False,
    }
}
DATABASES["default"]["OPTIONS"].setdefault("application_name", "helpdesk")
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 10)
if DATABASE_POOL:
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": env.number("HELPDESK_DATABASE_POOL_SIZE", 12),
        "timeout": 10,
    }
STATEMENT_TIMEOUT_SECONDS = env.number("HELPDESK_STATEMENT_TIMEOUT_SECONDS", 30)
BLOB_DIR = DATA_DIR / "blobs"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(BLOB_DIR)}},
    "staticfiles": {
        "BACKEND": "helpdesk.static_files.JoinedStaticFiles"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
STATIC_URL = "/static/"
#: Where `collectstatic` puts files, in production only: elsewhere they are served from where they lie.
STATIC_ROOT = BASE_DIR / "staticfiles" if PRODUCTION else None
STATICFILES_DIRS: list[Path] = []
WHITENOISE_USE_FINDERS = not PRODUCTION
#: Look for a file when it is asked for, and not for all of them at each start: a test has a dozen starts.
WHITENOISE_AUTOREFRESH = ENVIRONMENT == "test" or (ENVIRONMENT == "demo" and DEBUG)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
ATTACHMENT_MAX_BYTES = env.number("HELPDESK_ATTACHMENT_MAX_BYTES", 25 * 1024 * 1024)

# --- doorbells ------------------------------------------------------------------------------------------------------
REDIS_URL = env.text("REDIS_URL")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": 5}]},
    }
    if REDIS_URL
    else {"BACKEND": "helpdesk.channel_layer.PostgresNotifyLayer"}
}

# --- jobs -----------------------------------------------------------------------------------------------------------
_workers = env.number("HELPDESK_WORKERS", 2)
Q_CLUSTER = {
    "name": "helpdesk",
    "orm": "default",
    "workers": _workers,
    "queue_limit": _workers,
    "bulk": 1,
    "poll": 0.1,
    "timeout": 60,
    "retry": 600,  # counts from prefetch, so it must exceed timeout plus the wait behind other jobs
    "max_attempts": 5,
    "ack_failures": False,
    "catch_up": False,
    "recycle": 500,
    "max_rss": 400_000,
    "save_limit": 1000,
    "label": "Jobs",
    "sync": False,
}
#: When set, `now.py` reads this ISO instant instead of the database's clock (child processes of tests).
FROZEN_NOW = env.text("HELPDESK_FROZEN_NOW") if ENVIRONMENT == "test" else ""
#: `name:kill|raise|sleep` for one fault point, only outside production (helpdesk/faults.py).
FAULT = "" if PRODUCTION else env.text("HELPDESK_FAULT")

# --- people ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "helpdesk.User"
AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "helpdesk.sign_in.RoleBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "helpdesk.sign_in.StaffAccountAdapter"
SOCIALACCOUNT_ADAPTER = "helpdesk.sign_in.StaffSocialAdapter"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # or anybody could have us write to anybody
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key"}
MFA_ADAPTER = "helpdesk.sign_in.StaffSecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "helpdesk.sign_in.SecondStepForm",
    "reauthenticate": "helpdesk.sign_in.SecondStepAgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = False
MFA_TOTP_ISSUER = "Helpdesk"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
#: Staff without a second factor see nothing but its set-up. Off in `make run`, so that the tour needs no telephone.
REQUIRE_MFA = env.flag("HELPDESK_REQUIRE_MFA", default=PRODUCTION)
_oidc_url = env.text("HELPDESK_OIDC_URL")
if _oidc_url:
    _oidc = urlsplit(_oidc_url)
    if not _oidc.hostname or (PRODUCTION and _oidc.scheme != "https"):
        raise env.BadSetting(f"HELPDESK_OIDC_URL={_oidc_url!r} must be the https address of the company's sign-in.")
    # Browsers hold form-action against the redirect that follows the log-in button as well.
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"] += [
        f"{_oidc.scheme}://{_oidc.netloc}",
        *env.words("HELPDESK_OIDC_FORM_ORIGINS"),
    ]
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = (
    {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "company",
                    "name": env.text("HELPDESK_OIDC_NAME", "Company account"),
                    "client_id": env.text("HELPDESK_OIDC_CLIENT_ID"),
                    "secret": env.text("HELPDESK_OIDC_SECRET"),
                    "settings": {"server_url": _oidc_url},
                }
            ],
        }
    }
    if _oidc_url
    else {}
)
#: Limits are counted here, so it must neither be lost with Redis nor be culled by whoever fills it with keys.
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "helpdesk_cache",
        "OPTIONS": {"MAX_ENTRIES": 200_000},
    }
}

# --- mail -----------------------------------------------------------------------------------------------------------
#: Raw mail up to this size is kept in its row, larger raw mail as a blob.
RAW_MAIL_INLINE_BYTES = 1024 * 1024
MAIL_MAX_BYTES = env.number("HELPDESK_MAIL_MAX_BYTES", 50 * 1024 * 1024)
#: authserv-ids of our own receiving mail servers; Authentication-Results of anybody else are ignored.
MAIL_TRUSTED_AUTHSERV_IDS = frozenset(
    name.lower()
    for name in env.words("HELPDESK_TRUSTED_AUTHSERV_IDS", "demo.halden.example" if ENVIRONMENT == "demo" else "")
)
MAIL_TIMEOUT_SECONDS = env.number("HELPDESK_MAIL_TIMEOUT_SECONDS", 30)
#: A file of further authorities (PEM) that mail servers' certificates may come from; the system's are believed anyway.
MAIL_CA_FILE = env.text("HELPDESK_MAIL_CA_FILE")
#: A sender that says nothing for so long is taken for dead, and its mail goes to another.
OUTBOX_LEASE_SECONDS = env.number("HELPDESK_OUTBOX_LEASE_SECONDS", 300)
UNDO_SEND_SECONDS = env.number("HELPDESK_UNDO_SEND_SECONDS", 10)
#: The breaker: at most this many automatic mails to one address in an hour, and this many in all.
AUTO_MAIL_PER_ADDRESS_HOUR = env.number("HELPDESK_AUTO_MAIL_PER_ADDRESS_HOUR", 3)
AUTO_MAIL_PER_HOUR = env.number("HELPDESK_AUTO_MAIL_PER_HOUR", 500)
#: Every outgoing mail of one ticket counts here; above it the outbox holds the ticket's mail and tells the managers.
OUTGOING_PER_TICKET_HOUR = env.number("HELPDESK_OUTGOING_PER_TICKET_HOUR", 60)
#: Where `make run` has its demo mail server; seed_demo points the demo mailboxes here.
DEMO_IMAP_PORT = env.number("HELPDESK_DEMO_IMAP_PORT", 8143)
DEMO_SMTP_PORT = env.number("HELPDESK_DEMO_SMTP_PORT", 8025)
SERVER_EMAIL = DEFAULT_FROM_EMAIL = env.text("HELPDESK_FROM_EMAIL", f"helpdesk@{_base.hostname}")
#: Mail of the house itself (password reset, alerts) leaves through this server, tickets through their mailbox.
EMAIL_HOST = env.text("HELPDESK_SMTP_HOST", "127.0.0.1" if ENVIRONMENT == "demo" else "localhost")
EMAIL_PORT = env.number("HELPDESK_SMTP_PORT", DEMO_SMTP_PORT if ENVIRONMENT == "demo" else 25)
EMAIL_HOST_USER = env.text("HELPDESK_SMTP_USER")
EMAIL_HOST_PASSWORD = env.text("HELPDESK_SMTP_PASSWORD")
EMAIL_USE_TLS = env.flag("HELPDESK_SMTP_STARTTLS")
EMAIL_TIMEOUT = MAIL_TIMEOUT_SECONDS

# --- languages and time ---------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("ar", _("Arabic")), ("fa", _("Persian")), ("zh-hans", _("Chinese, simplified"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.text("HELPDESK_TIME_ZONE", "UTC")
USE_TZ = True
USE_I18N = True
#: Resolved tickets close after this many days; a later answer opens a linked follow-up.
CLOSE_AFTER_DAYS = env.number("HELPDESK_CLOSE_AFTER_DAYS", 4)

# --- the customers' own pages ------------------------------------------------------------------------------------------
#: How long the link below a mail opens its ticket; afterwards it offers to mail a fresh one.
PORTAL_LINK_DAYS = env.number("HELPDESK_PORTAL_LINK_DAYS", 30)
PORTAL_CODE_SECONDS = 600
PORTAL_CODE_TRIES = 5
#: A customer's session ends so long after its beginning; SESSION_IDLE_SECONDS after its last use.
PORTAL_SESSION_SECONDS = env.number("HELPDESK_PORTAL_SESSION_SECONDS", 14 * 24 * 3600)
PORTAL_COOKIE_NAME = "__Host-portal" if SECURE_TRANSPORT else "helpdesk_portal"
PORTAL_FILES_AT_MOST = 10
#: Asked-for codes and links, tried codes, and what is written: so many in so long, from one address and for one person.
PORTAL_RATE_LIMITS = {
    "ask": "30/10m/ip,5/10m/key",
    "try": "60/10m/ip,15/10m/key",
    "open": "120/10m/ip",
    "write": "60/10m/ip,30/10m/key",
}

# --- API ------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "helpdesk.api.authentication.BearerTokenAuthentication",
        "helpdesk.api.authentication.StaffSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["helpdesk.api.permissions.DenyByDefault"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser", "rest_framework.parsers.MultiPartParser"],
    "DEFAULT_PAGINATION_CLASS": "helpdesk.api.pagination.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["helpdesk.api.throttling.TokenThrottle"],
    "DEFAULT_THROTTLE_RATES": {"token": env.text("HELPDESK_API_RATE", "600/min")},
    "EXCEPTION_HANDLER": "helpdesk.api.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
    "NUM_PROXIES": TRUSTED_PROXIES,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Helpdesk API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["helpdesk.api.permissions.SignedIn"],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # enumerations stay where they are used: names for them would be guesses that change with the next field
    "POSTPROCESSING_HOOKS": [],
}
METRICS_TOKEN = env.text("HELPDESK_METRICS_TOKEN")

# --- what is written down while running ------------------------------------------------------------------------------
LOG_LEVEL = env.text("HELPDESK_LOG_LEVEL", "INFO")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "helpdesk.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "propagate": False},
        "imapclient": {"level": "WARNING"},
        "flufl.bounce": {"level": "CRITICAL"},
    },
}

if ENVIRONMENT == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
