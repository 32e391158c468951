"""What the school says of its OpenID providers, and for whom the sign-in with a password stays."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from channels.lesson.rules import Role
from channels.roles import administrators

Kind = Literal["google", "entra", "other"]
Finds = Literal["login", "sourcedId"]
Local = Literal["everybody", "staff", "administrators"]

# In the issuers of Entra, for the id of the tenant.
TENANT = "{tenantid}"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. `name` stands in addresses, `title` on the button.

    The first sign-in of a person is matched by `claim`, which `finds` a login or a roster's sourcedId. A claim with an
    `@` counts only where what follows is one of `domains`. `algorithms` are those that may sign its tokens. `prompt`
    is sent with each sign-in, `prompt_choose` where somebody wants another account.
    """

    name: str
    kind: Kind
    title: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    claim: str
    finds: Finds
    domains: tuple[str, ...]
    tenants: tuple[str, ...]
    scopes: tuple[str, ...]
    algorithms: tuple[str, ...]
    prompt: str
    prompt_choose: str

    @property
    def metadata_url(self) -> str:
        """The address of its metadata (OpenID Connect Discovery 1.0, section 4)."""
        tenant = self.tenants[0] if len(self.tenants) == 1 else "organizations"
        return f"{self.issuer.replace(TENANT, tenant).removesuffix('/')}/.well-known/openid-configuration"

    def is_of(self, issuer: str) -> bool:
        """Return whether this is one of its issuers: Entra has one for each tenant."""
        return issuer in {self.issuer, *(self.issuer.replace(TENANT, each) for each in self.tenants)}

    @property
    def published_issuer(self) -> str:
        """The issuer that its metadata must name. For several tenants Entra publishes one with a place for the id."""
        return self.issuer.replace(TENANT, self.tenants[0]) if len(self.tenants) == 1 else self.issuer


@dataclass(frozen=True, slots=True)
class SchoolSettings:
    """The school's providers by name, the `address` of its pages, and who may also sign in with a password."""

    address: str = ""
    local: Local = "everybody"
    providers: Mapping[str, Provider] = field(default_factory=dict)

    def local_roles(self, roles: Collection[Role]) -> Collection[str] | None:
        """Return the names of the roles that may sign in with a password or a code; None: all of them.

        The school's office always may: somebody must get in while a provider is away, or its settings are wrong.
        """
        if self.local == "everybody":
            return None
        with_staff = self.local == "staff"
        return {role.name for role in roles if role.name == administrators.ROLE.name or (with_staff and role.is_staff)}

    def title(self, issuer: str) -> str:
        """Return the title of the provider with this issuer; the issuer where the school has it no more."""
        found = (each.title for each in self.providers.values() if each.is_of(issuer))
        return next(found, issuer)

    def begin(self, provider: Provider) -> str:
        """Return the address at which a sign-in begins: on the site to which the provider sends browsers back."""
        return f"{self.address}/accounts/through/{provider.name}"

    def callback(self, provider: Provider) -> str:
        """Return the address to which a provider sends browsers back; it is registered there.

        Each provider has its own, so that the answer of one cannot pass for another's.
        """
        return f"{self.begin(provider)}/back"
