"""The certificates that the tests show each other."""

import os

from example import check


class Certificates:
    """The folder that the build has filled: for each name a certificate chain and its key."""

    def __init__(self, folder):
        self._folder = folder

    def file(self, name):
        path = os.path.join(self._folder, name)
        check(os.path.exists(path), f"there is no {path}")
        return path

    def identity(self, name):
        return self.file(f"{name}.pem"), self.file(f"{name}-key.pem")

    @property
    def other(self):
        """An authority that nobody trusts."""
        return self.file("other-authority.pem")

    @property
    def ca(self):
        return self.file("authority.pem")
