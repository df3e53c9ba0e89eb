"""Whose name to come under: the resource's own credentials before what the environment's docker config has."""

import os
from collections.abc import Mapping

from archmerge import Options, Session
from archmerge.credentials import Credential, Credentials
from components.helper_image.inputs import ImageInputs, Login

SOURCE = "the resource's own credentials"


class _Given(Credential):
    """A credential of the resource: not even the user name is shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{SOURCE}>"


class _Credentials(Credentials):
    def __init__(self, environ: Mapping[str, str], given: Mapping[str, Login], primary: str) -> None:
        super().__init__(environ, primary=primary)
        self._given = given

    def find(self, host: str, repository: str) -> Credential | None:
        login = self._given.get(host)
        if login is not None:
            return _Given(login.username, login.password, source=SOURCE)
        return super().find(host, repository)


class ImageSession(Session):
    """Connections for one operation. `seconds` is all the time that it has."""

    def __init__(self, inputs: ImageInputs, seconds: float) -> None:
        super().__init__(
            Options(plain_http=inputs.plain_http, deadline=seconds),
            credentials=_Credentials(os.environ, inputs.credentials, inputs.target.host),
        )
