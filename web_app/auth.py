"""Who asks: the Bearer token of a request (RFC 6750) and what its scope allows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from web_app.problems import ProblemError

_MOST_TOKEN = 200
_scheme = HTTPBearer(
    scheme_name="token", description="A token of `waybell token create`, as `Authorization: Bearer …`", auto_error=False
)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose token it is. ``scope``: courier, operator, supervisor or admin; ``courier``: whom it is bound to, or ""."""

    id: str
    name: str
    scope: str
    courier: str = ""


class UnauthorizedError(Exception):
    """There is no such token, or it is revoked or has expired."""


class ForbiddenNetworkError(Exception):
    """The token may not be used from where the request comes from."""


class TooManyGuessesError(Exception):
    """Too many wrong tokens came from this peer; ``retry_after`` seconds until the next may be tried."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many wrong tokens; wait {retry_after} s")
        self.retry_after = retry_after


Authenticate = Callable[[str, str], Awaitable[Bearer]]
"""From a token's text and the peer's address to whose it is. Raises the three errors above."""


async def authenticated(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_scheme)]
) -> Bearer:
    """Whose token the request carries. Raises :class:`ProblemError` 401, 403 or 429."""
    if credentials is None:
        raise _unauthorized("Send a token: Authorization: Bearer …", "Bearer")
    token = credentials.credentials
    if len(token) > _MOST_TOKEN or not (token.isascii() and token.isprintable()):
        raise _unauthorized_token()
    authenticate: Authenticate = request.app.state.authenticate
    try:
        return await authenticate(token, request.client.host if request.client else "")
    except UnauthorizedError:
        raise _unauthorized_token() from None
    except ForbiddenNetworkError:
        detail = "This token may not be used from this address."
        raise ProblemError("forbidden-network", 403, "Not from this network", detail) from None
    except TooManyGuessesError as error:
        detail = f"Too many wrong tokens came from this address; wait {error.retry_after} s."
        wait = {"Retry-After": str(error.retry_after)}
        raise ProblemError("too-many-guesses", 429, "Too many wrong tokens", detail, wait) from None


Authenticated = Annotated[Bearer, Depends(authenticated)]


class Needs:
    """A dependency: the request's token, if it has one of these scopes. Raises :class:`ProblemError` 403 if not."""

    def __init__(self, *scopes: str) -> None:
        self._scopes = scopes

    async def __call__(self, bearer: Authenticated) -> Bearer:
        """The token of a request."""
        if bearer.scope not in self._scopes:
            detail = f"This needs a token of scope {' or '.join(self._scopes)}; yours has {bearer.scope}."
            raise ProblemError("missing-scope", 403, "The token's scope does not allow it", detail)
        return bearer


def _unauthorized_token() -> ProblemError:
    return _unauthorized("The token is unknown, revoked or has expired.", 'Bearer error="invalid_token"')


def _unauthorized(detail: str, challenge: str) -> ProblemError:
    return ProblemError("unauthorized", 401, "A valid token is needed", detail, {"WWW-Authenticate": challenge})
