"""The staff board."""

from starlette.routing import Route

from mailgate.web.desk import Faces


class Board:
    """The handlers."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def routes(self) -> list[Route]:
        return []
