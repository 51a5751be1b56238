"""The version of Theano whose interface this is, as `theano.version` has it."""

version = short_version = full_version = "1.0.5"
release = True
FALLBACK_VERSION = f"{version}+unknown"
git_revision = "f3bb5b755ec5e92fb60b5364d83a10878fa9a211"
info = {"dirty": False, "error": None, "full-revisionid": git_revision, "version": version}


def get_versions() -> dict:
    """What versioneer tells of it, as `theano._version` has it."""
    return {**info, "date": "2020-07-27T18:09:29+0200"}
