"""The certificates that the tests show each other."""

import os

from example import check


class Certificates:
    """The folder that certificates.rs has filled: for each name a certificate chain and its key."""

    def __init__(self, folder):
        self._folder = folder

    def file(self, name):
        path = os.path.join(self._folder, name)
        check(os.path.exists(path), f"there is no {path}")
        return path

    def identity(self, name):
        return self.file(f"{name}.pem"), self.file(f"{name}.key")

    @property
    def ca(self):
        return self.file("ca.pem")
