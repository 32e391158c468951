"""Reads the file with the school's providers (TOML), and refuses what would not be safe.

    address = "https://lousa.escola.example"
    local_sign_in = "staff"

    [providers.google]
    kind = "google"
    client_id = "….apps.googleusercontent.com"
    domains = ["escola.example"]

A client's secret stands there as `client_secret`, or in the variable LOUSA_CLIENT_SECRET_<NAME>. docs/operations.md
describes each field.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from server.oidc.provider import TENANT, Finds, Kind, Local, Provider, SchoolSettings
from server.oidc.token import ALGORITHMS
from server.settings import SettingsError, read_origin

# In an address and in a variable's name.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Each has a button on the sign-in page; a school with more has one provider that joins them.
MAX_PROVIDERS = 8


class _Usual(NamedTuple):
    """What a kind of provider has unless the file says otherwise."""

    title: str
    issuer: str
    claim: str
    scopes: tuple[str, ...]
    algorithms: tuple[str, ...]
    prompt: str
    prompt_choose: str


# On a computer that pupils share, Google and Microsoft would sign the next one in as the one before: they are asked to
# let people choose each time. Others may not know that prompt, and know `login`.
_USUAL: Mapping[Kind, _Usual] = {
    "google": _Usual(
        "Google",
        "https://accounts.google.com",
        "email",
        ("openid", "email"),
        ("RS256",),
        "select_account",
        "select_account",
    ),
    "entra": _Usual(
        "Microsoft",
        f"https://login.microsoftonline.com/{TENANT}/v2.0",
        "preferred_username",
        ("openid", "profile"),
        ("RS256",),
        "select_account",
        "select_account",
    ),
    "other": _Usual("", "", "preferred_username", ("openid", "profile", "email"), ALGORITHMS, "", "login"),
}


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    """One provider as the file has it."""

    client_id: str
    client_secret: str = ""
    kind: Kind = "other"
    title: str = ""
    issuer: str = ""
    claim: str = ""
    finds: Finds = "login"
    domains: list[str] = []
    tenants: list[str] = []
    scopes: list[str] = []
    algorithms: list[str] = []
    prompt: str | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    address: str
    providers: dict[str, _Entry]
    local_sign_in: Local = "everybody"


def read_providers(path: Path, environment: Mapping[str, str] = os.environ) -> SchoolSettings:
    """Return what the file says; raise SettingsError, without any secret, where something is wrong."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text()), _File)
    except OSError as error:
        raise SettingsError(f"The file of providers {path} cannot be read ({error.strerror}).") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        # Such an error names a field or a line, and has no value.
        raise SettingsError(f"The file of providers {path} cannot be used: {error}") from None
    if not 1 <= len(found.providers) <= MAX_PROVIDERS:
        raise SettingsError(f"{path} names 1 to {MAX_PROVIDERS} providers, as in [providers.google].")
    address = read_origin(found.address, f"{path}: address")
    _check_encrypted(address, f"{path}: address")
    providers = {name: _provider(name, entry, path, environment) for name, entry in found.providers.items()}
    return SchoolSettings(address, found.local_sign_in, MappingProxyType(providers))


def _provider(name: str, entry: _Entry, path: Path, environment: Mapping[str, str]) -> Provider:
    where = f"{path}: [providers.{name}]"
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{where}: a provider's name has small letters, digits and hyphens, at most 32.")
    usual = _USUAL[entry.kind]
    variable = f"LOUSA_CLIENT_SECRET_{name.upper().replace('-', '_')}"
    provider = Provider(
        name=name,
        kind=entry.kind,
        title=entry.title.strip() or usual.title or name,
        issuer=entry.issuer or usual.issuer,
        client_id=entry.client_id,
        client_secret=entry.client_secret or environment.get(variable, ""),
        claim=entry.claim or usual.claim,
        finds=entry.finds,
        domains=tuple(domain.lower() for domain in entry.domains),
        tenants=tuple(tenant.lower() for tenant in entry.tenants),
        scopes=tuple(entry.scopes) or usual.scopes,
        algorithms=tuple(entry.algorithms) or usual.algorithms,
        prompt=usual.prompt if entry.prompt is None else entry.prompt,
        prompt_choose=usual.prompt_choose,
    )
    if not provider.client_id or not provider.client_secret:
        raise SettingsError(f"{where} needs client_id, and client_secret or the variable {variable}.")
    _check(provider, where)
    return replace(provider, scopes=tuple(dict.fromkeys(("openid", *provider.scopes))))


def _check(provider: Provider, where: str) -> None:
    if not provider.issuer:
        raise SettingsError(f'{where} needs an issuer, as in "https://id.escola.example".')
    _check_encrypted(provider.issuer, f"{where}: issuer")
    if unknown := [each for each in provider.algorithms if each not in ALGORITHMS]:
        raise SettingsError(f"{where}: {unknown[0]} signs no token here; these do: {', '.join(ALGORITHMS)}.")
    if wrong := [each for each in provider.domains if not _DOMAIN.fullmatch(each)]:
        raise SettingsError(f"{where}: {wrong[0]} is not a domain such as escola.example.")
    if provider.kind == "google" and not provider.domains:
        raise SettingsError(f"{where} needs the school's domains: anybody has a Google account.")
    if provider.kind == "entra":
        _check_entra(provider, where)
    if provider.claim == "email" and not provider.domains:
        raise SettingsError(f"{where} needs the domains whose e-mail addresses are the school's.")


def _check_entra(provider: Provider, where: str) -> None:
    if not provider.tenants or any(not _TENANT.fullmatch(each) for each in provider.tenants):
        raise SettingsError(f"{where} needs tenants: the school's Directory (tenant) IDs, 36 digits and hyphens each.")
    if TENANT not in provider.issuer:
        raise SettingsError(f"{where}: the issuer of Entra has {TENANT} in it; leave it out for Microsoft's own.")
    if provider.claim == "preferred_username" and provider.finds == "login" and not provider.domains:
        raise SettingsError(f"{where} needs the domains behind the @ of the school's user names.")
    if provider.claim == "email":
        raise SettingsError(
            f"{where}: Entra does not verify e-mail addresses, and any tenant may write any of them. "
            "Leave claim out for preferred_username."
        )


def _check_encrypted(url: str, where: str) -> None:
    """Refuse addresses without TLS, but for this machine's own: codes, tokens and cookies would go in the clear."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname and not (parts.query or parts.fragment):
        return
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
        raise SettingsError(f"{where} {url} must be an https:// address.")
